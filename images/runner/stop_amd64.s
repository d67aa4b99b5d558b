#include "textflag.h"

// The kernel's registers: DI signal, SI *siginfo_t, DX *ucontext_t. In siginfo_t, si_code is at 8
// (0 is SI_USER) and si_pid at 16 (0 is a sender outside this process-id namespace).
TEXT ·onTerm(SB), NOSPLIT|NOFRAME, $0-0
	MOVL 8(SI), AX
	TESTL AX, AX
	JNE inside
	MOVL 16(SI), AX
	TESTL AX, AX
	JNE inside
	MOVL $1, ·stopRequested(SB)
inside:
	RET

// Where a handler returns to on this architecture: rt_sigreturn.
TEXT ·restore(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $15, AX
	SYSCALL
	INT $3

// The handler of signals that mean nothing.
TEXT ·onOther(SB), NOSPLIT|NOFRAME, $0-0
	RET

DATA ·onOtherAddress(SB)/8, $·onOther(SB)
GLOBL ·onOtherAddress(SB), RODATA, $8
DATA ·onTermAddress(SB)/8, $·onTerm(SB)
GLOBL ·onTermAddress(SB), RODATA, $8
DATA ·restoreAddress(SB)/8, $·restore(SB)
GLOBL ·restoreAddress(SB), RODATA, $8
