// Functions of libraries that a host may lack. A call goes through a slot, so it
// needs no prototype and passes variadic arguments on; loader.cc puts what the
// library has into the slots. A slot that nobody filled answers as these
// libraries answer what cannot be done: with a negative errno.

#ifndef __x86_64__
#error "the way into a slot is written for x86_64 alone"
#endif

.text
.type absent, @function
absent:
  endbr64
  mov $-79, %eax  // ELIBACC: "Can not access a needed shared library"
  ret
.size absent, .-absent

.macro import name
.text
.globl \name
.type \name, @function
\name:
  endbr64
  jmp *.Lslot_\name(%rip)
.size \name, .-\name
.section .rodata.str1.1, "aMS", @progbits, 1
.Lname_\name:
  .asciz "\name"
// The linker knows where a section of such a name begins and ends.
.section metsuke_imports, "aw", @progbits
.balign 8
  .quad .Lname_\name
.Lslot_\name:
  .quad absent
.endm

import sd_bus_call_method
import sd_bus_close_unref
import sd_bus_error_free
import sd_bus_is_ready
import sd_bus_message_enter_container
import sd_bus_message_exit_container
import sd_bus_message_read
import sd_bus_message_skip
import sd_bus_message_unref
import sd_bus_new
import sd_bus_path_encode
import sd_bus_process
import sd_bus_set_bus_client
import sd_bus_set_fd
import sd_bus_set_method_call_timeout
import sd_bus_start
import sd_bus_wait
import sd_journal_add_disjunction
import sd_journal_add_match
import sd_journal_close
import sd_journal_flush_matches
import sd_journal_get_cursor
import sd_journal_get_data
import sd_journal_get_monotonic_usec
import sd_journal_get_realtime_usec
import sd_journal_next
import sd_journal_open_files_fd
import sd_journal_previous
import sd_journal_seek_cursor
import sd_journal_seek_head
import sd_journal_seek_monotonic_usec
import sd_journal_seek_realtime_usec
import sd_journal_seek_tail
import sd_journal_test_cursor

.section .note.GNU-stack, "", @progbits
