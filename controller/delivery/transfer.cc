#include "controller/delivery/transfer.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <string_view>

#include "proto/status.h"

namespace metsuke {
namespace {

constexpr long kConnectSeconds = 10, kPostSeconds = 60;
// A mail server may scan what it got before it answers: ten minutes for that,
// and some for the rest.
constexpr long kReplySeconds = 600, kMailSeconds = 900;
constexpr size_t kKeptBody = 2048;

template <auto Free>
struct CurlFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Handle = std::unique_ptr<CURL, CurlFree<curl_easy_cleanup>>;
using List = std::unique_ptr<curl_slist, CurlFree<curl_slist_free_all>>;
using Url = std::unique_ptr<CURLU, CurlFree<curl_url_cleanup>>;

size_t Keep(const char* data, size_t, size_t size, void* to) {
  auto& text = *static_cast<std::string*>(to);
  text.append(data, std::min(size, kKeptBody - text.size()));
  return size;
}

struct Source {
  std::string_view rest;
};

size_t Give(char* into, size_t, size_t size, void* from) {
  auto& source = *static_cast<Source*>(from);
  const size_t given = source.rest.copy(into, size);
  source.rest.remove_prefix(given);
  return given;
}

int GoesOn(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

std::string PartOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, CurlFree<curl_free>> held(text);
  return text;
}

// The host of an address; empty when it has none.
std::string HostOf(const std::string& address) {
  const Url url(curl_url());
  return curl_url_set(url.get(), CURLUPART_URL, address.c_str(), 0) == CURLUE_OK
             ? PartOf(url.get(), CURLUPART_HOST)
             : "";
}

// A name that only begins like an address of the loopback is no such address.
bool IsHere(const std::string& host) {
  in_addr address{};
  return host == "localhost" || host == "[::1]" ||
         (inet_pton(AF_INET, host.c_str(), &address) == 1 &&
          ntohl(address.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET);
}

// One exchange.
class Transfer {
 public:
  explicit Transfer(const TransferOptions& options)
      : options_(options), host_(HostOf(options.url)) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    handle_.reset(curl_easy_init());
    Set(CURLOPT_URL, options.url.c_str());
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    Set(CURLOPT_QUICK_EXIT, 1L);
    Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    Set(CURLOPT_DEFAULT_PROTOCOL, "https");
    // What stays on this machine goes through no proxy.
    if (IsHere(host_)) Set(CURLOPT_NOPROXY, "*");
    Set(CURLOPT_ERRORBUFFER, reason_.data());
    Set(CURLOPT_NOPROGRESS, 0L);
    Set(CURLOPT_XFERINFOFUNCTION, GoesOn);
    Set(CURLOPT_XFERINFODATA, &stop_);
    Set(CURLOPT_WRITEFUNCTION, Keep);
    Set(CURLOPT_WRITEDATA, &body_);
    if (!options.ca_file.empty()) Set(CURLOPT_CAINFO, options.ca_file.c_str());
  }

  template <typename Value>
  void Set(CURLoption option, Value value) {
    curl_easy_setopt(handle_.get(), option, value);
  }
  template <typename Value>
  Value Get(CURLINFO info) {
    Value value{};
    curl_easy_getinfo(handle_.get(), info, &value);
    return value;
  }

  bool MayBePlain() const { return options_.unencrypted || IsHere(host_); }
  const std::string& host() const { return host_; }
  const std::string& body() const { return body_; }

  absl::Status Run() {
    const CURLcode code = curl_easy_perform(handle_.get());
    if (code == CURLE_OK) return absl::OkStatus();
    if (code == CURLE_ABORTED_BY_CALLBACK)
      return absl::CancelledError("metsuke-controller stopped meanwhile");
    const std::string why = fmt::format(
        "{}: {}", host_.empty() ? "the address" : host_,
        reason_[0] != '\0' ? reason_.data() : curl_easy_strerror(code));
    const long reply = Get<long>(CURLINFO_RESPONSE_CODE);
    if (reply < 400) return absl::UnavailableError(why);
    return absl::Status(reply < 500 ? absl::StatusCode::kResourceExhausted
                                    : absl::StatusCode::kAborted,
                        fmt::format("{} (code {})", why, reply));
  }

  // What is said in parting is not waited for.
  void HearNoMore() {
    const auto open = Get<curl_socket_t>(CURLINFO_ACTIVESOCKET);
    if (open != CURL_SOCKET_BAD) shutdown(open, SHUT_RD);
  }

 private:
  const TransferOptions& options_;
  std::stop_token stop_ = options_.stop;
  const std::string host_;
  std::string body_;
  std::array<char, CURL_ERROR_SIZE> reason_{};
  Handle handle_;
};

}  // namespace

absl::Status CheckMailServer(const std::string& address) {
  const Url url(curl_url());
  if ((!address.starts_with("smtp://") && !address.starts_with("smtps://")) ||
      curl_url_set(url.get(), CURLUPART_URL, address.c_str(), 0) != CURLUE_OK)
    return absl::InvalidArgumentError(
        "begins with smtp:// or smtps://, and a host follows");
  if (PartOf(url.get(), CURLUPART_PATH).size() > 1 ||
      !(PartOf(url.get(), CURLUPART_USER) +
        PartOf(url.get(), CURLUPART_PASSWORD) +
        PartOf(url.get(), CURLUPART_QUERY))
           .empty())
    return absl::InvalidArgumentError(
        "has nothing after the port; user and password_file say who sends");
  return absl::OkStatus();
}

absl::Status CheckWebhookUrl(const std::string& address, bool unencrypted) {
  const Url url(curl_url());
  const bool plain = address.starts_with("http://");
  if ((!plain && !address.starts_with("https://")) ||
      curl_url_set(url.get(), CURLUPART_URL, address.c_str(), 0) != CURLUE_OK)
    return absl::InvalidArgumentError(
        "begins with https://, and a host follows");
  if (!(PartOf(url.get(), CURLUPART_USER) +
        PartOf(url.get(), CURLUPART_PASSWORD))
           .empty())
    return absl::InvalidArgumentError(
        "holds no user and password; token_file holds what it asks for");
  if (plain && !unencrypted && !IsHere(PartOf(url.get(), CURLUPART_HOST)))
    return absl::InvalidArgumentError(
        "would not be encrypted; use https://, or allow it with unencrypted: "
        "true");
  return absl::OkStatus();
}

absl::StatusOr<PostAnswer> Post(const TransferOptions& options,
                                const std::vector<std::string>& headers,
                                const std::string& body) {
  Transfer transfer(options);
  transfer.Set(CURLOPT_PROTOCOLS_STR,
               transfer.MayBePlain() ? "http,https" : "https");
  transfer.Set(CURLOPT_TIMEOUT, kPostSeconds);
  List list;
  for (const std::string& header : headers)
    list.reset(curl_slist_append(list.release(), header.c_str()));
  // A body of more than a kilobyte need not wait for a "100 Continue".
  list.reset(curl_slist_append(list.release(), "Expect:"));
  transfer.Set(CURLOPT_HTTPHEADER, list.get());
  transfer.Set(CURLOPT_POSTFIELDS, body.data());
  transfer.Set(CURLOPT_POSTFIELDSIZE_LARGE,
               static_cast<curl_off_t>(body.size()));
  transfer.Set(CURLOPT_USERAGENT, "metsuke");
  if (const absl::Status sent = transfer.Run(); absl::IsCancelled(sent))
    return sent;
  else if (!sent.ok())
    return absl::UnavailableError(Message(sent));
  return PostAnswer{
      .status = static_cast<int>(transfer.Get<long>(CURLINFO_RESPONSE_CODE)),
      .body = transfer.body(),
      .retry_after = transfer.Get<curl_off_t>(CURLINFO_RETRY_AFTER)};
}

absl::Status PostSmtp(const TransferOptions& options, const SmtpMail& mail) {
  Transfer transfer(options);
  transfer.Set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  transfer.Set(CURLOPT_TIMEOUT, kMailSeconds);
  transfer.Set(CURLOPT_SERVER_RESPONSE_TIMEOUT, kReplySeconds);
  // With a password nothing is said before there is TLS, wherever the server
  // is.
  transfer.Set(CURLOPT_USE_SSL,
               static_cast<long>(transfer.MayBePlain() && mail.user.empty()
                                     ? CURLUSESSL_TRY
                                     : CURLUSESSL_ALL));
  if (!mail.user.empty()) {
    transfer.Set(CURLOPT_USERNAME, mail.user.c_str());
    transfer.Set(CURLOPT_PASSWORD, mail.password.c_str());
  }
  const std::string from = '<' + mail.from + '>', to = '<' + mail.to + '>';
  const List recipients(curl_slist_append(nullptr, to.c_str()));
  transfer.Set(CURLOPT_MAIL_FROM, from.c_str());
  transfer.Set(CURLOPT_MAIL_RCPT, recipients.get());
  Source source{mail.message};
  transfer.Set(CURLOPT_UPLOAD, 1L);
  transfer.Set(CURLOPT_READFUNCTION, Give);
  transfer.Set(CURLOPT_READDATA, &source);
  RETURN_IF_ERROR(transfer.Run());
  transfer.HearNoMore();
  return absl::OkStatus();
}

std::string FormEncoded(const std::string& text) {
  const std::unique_ptr<char, CurlFree<curl_free>> escaped(
      curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())));
  return escaped == nullptr ? "" : escaped.get();
}

}  // namespace metsuke
