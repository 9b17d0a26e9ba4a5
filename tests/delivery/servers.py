#!/usr/bin/python3
"""A mail server and a webhook on loopback for tests of deliveries.

servers.py FOLDER prints "SMTP PORT" and "HTTP PORT" and serves until its
standard input ends. What arrives is put into FOLDER as numbered files. Files in
FOLDER say how it behaves:
  smtp.reply   the answer to what is to be mailed, such as "451 later"
  http.status  the status and headers of the webhook's answer, a line each
  tls.pem      certificate and key: STARTTLS is offered
  require_tls  nothing is taken without TLS
  login        "USER PASSWORD" that is asked for
  slow         seconds until anything is answered
  quit         seconds until QUIT is answered
"""
import asyncio
import email
import email.policy
import http.server
import json
import os
import socket
import ssl
import sys
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

FOLDER = sys.argv[1]
LOCK = threading.Lock()


def setting(name):
    try:
        with open(os.path.join(FOLDER, name)) as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def keep(what):
    """Puts `what` into the folder, whole."""
    with LOCK:
        number = len([n for n in os.listdir(FOLDER) if n.endswith(".json")])
        path = os.path.join(FOLDER, f"{number:04}.json")
        with open(path + ".new", "w") as file:
            json.dump(what, file)
        os.rename(path + ".new", path)


def wait():
    if (seconds := setting("slow")) is not None:
        time.sleep(float(seconds))


class Mails:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if "nobody" in address:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        wait()
        if (reply := setting("smtp.reply")) is not None:
            return reply
        mail = email.message_from_bytes(
            envelope.content, policy=email.policy.default)
        keep({
            "via": "smtp",
            "tls": session.ssl is not None,
            "user": str(session.auth_data) if session.authenticated else "",
            "envelope_from": envelope.mail_from,
            "envelope_to": envelope.rcpt_tos,
            "headers": [[k, str(v)] for k, v in mail.items()],
            "defects": [str(d) for part in mail.walk() for d in part.defects],
            "text": mail.get_body(("plain",)).get_content(),
            "html": mail.get_body(("html",)).get_content(),
            "longest": max(map(len, envelope.content.split(b"\r\n"))),
            "ascii": envelope.content.isascii(),
        })
        return "250 OK"


class Lingering(SMTP):
    async def smtp_QUIT(self, arg):
        if (seconds := setting("quit")) is not None:
            await asyncio.sleep(float(seconds))
        return await super().smtp_QUIT(arg)


class MailServer(Controller):
    def factory(self):
        tls = None
        if setting("tls.pem") is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(os.path.join(FOLDER, "tls.pem"))
        login = setting("login")

        def check(server, session, envelope, mechanism, data):
            given = f"{data.login.decode()} {data.password.decode()}"
            # What is not handled is answered with 535.
            return AuthResult(success=given == login, handled=False,
                              auth_data=data.login.decode())

        return Lingering(self.handler, tls_context=tls,
                         require_starttls=setting("require_tls") is not None,
                         authenticator=check if login else None,
                         auth_required=login is not None)


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        wait()
        lines = (setting("http.status") or "200").split("\n")
        if lines[0].startswith("2"):
            keep({"via": "http", "path": self.path,
                  "headers": [[k.lower(), v] for k, v in self.headers.items()],
                  "body": body.decode()})
        self.send_response(int(lines[0]))
        for line in lines[1:]:
            self.send_header(*line.split(": ", 1))
        self.end_headers()
        self.wfile.write(b"no " + self.path.encode())

    def log_message(self, *_):
        pass


# It wants to be told its port.
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
mails = MailServer(Mails(), hostname="127.0.0.1", port=port)
mails.start()
hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
threading.Thread(target=hook.serve_forever, daemon=True).start()
print("SMTP", port)
print("HTTP", hook.server_address[1], flush=True)
sys.stdin.read()
mails.stop()
hook.shutdown()
