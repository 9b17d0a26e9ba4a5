// libssh.a can log in by Kerberos, of which Debian has no static library.
// metsuke-probe logs in nowhere: it hears what a server offers to everybody.
// Should it ever be asked to, each of these fails.

.text
failure:
  endbr64
  mov $(13 << 16), %eax  // GSS_S_FAILURE
  ret

.macro fails name
.globl \name
.type \name, @function
.set \name, failure
.endm

fails gss_accept_sec_context
fails gss_acquire_cred
fails gss_add_oid_set_member
fails gss_create_empty_oid_set
fails gss_delete_sec_context
fails gss_display_name
fails gss_display_status
fails gss_get_mic
fails gss_import_name
fails gss_indicate_mechs
fails gss_init_sec_context
fails gss_inquire_cred
fails gss_inquire_cred_by_mech
fails gss_release_buffer
fails gss_release_cred
fails gss_release_name
fails gss_release_oid
fails gss_release_oid_set
fails gss_test_oid_set_member
fails gss_verify_mic

.section .rodata
.globl GSS_C_NT_HOSTBASED_SERVICE, GSS_C_NT_USER_NAME
.type GSS_C_NT_HOSTBASED_SERVICE, @object
.type GSS_C_NT_USER_NAME, @object
.balign 8
GSS_C_NT_HOSTBASED_SERVICE:
GSS_C_NT_USER_NAME:
  .quad 0

.section .note.GNU-stack, "", @progbits
