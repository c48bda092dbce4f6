"""What the readers make of invoice files, honest and hostile. Every file is made here; none is a real one."""
