// The descriptor set that the build writes, comments included.
.section .rodata
.global metsuke_schema_begin
.global metsuke_schema_end
metsuke_schema_begin:
.incbin METSUKE_SCHEMA
metsuke_schema_end:
.byte 0
.section .note.GNU-stack,"",@progbits
