// The template of pages, as it stands in the repository.
.section .rodata
.global metsuke_page_begin
.global metsuke_page_end
metsuke_page_begin:
.incbin METSUKE_PAGE
metsuke_page_end:
.byte 0
.section .note.GNU-stack,"",@progbits
