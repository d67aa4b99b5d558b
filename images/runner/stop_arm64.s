#include "textflag.h"

// The kernel's registers: R0 signal, R1 *siginfo_t, R2 *ucontext_t. In siginfo_t, si_code is at 8
// (0 is SI_USER) and si_pid at 16 (0 is a sender outside this process-id namespace).
TEXT ·onTerm(SB), NOSPLIT|NOFRAME, $0-0
	MOVW 8(R1), R3
	CBNZW R3, inside
	MOVW 16(R1), R3
	CBNZW R3, inside
	MOVD $·stopRequested(SB), R4
	MOVW $1, R3
	MOVW R3, (R4)
inside:
	RET

// The handler of signals that mean nothing.
TEXT ·onOther(SB), NOSPLIT|NOFRAME, $0-0
	RET

DATA ·onOtherAddress(SB)/8, $·onOther(SB)
GLOBL ·onOtherAddress(SB), RODATA, $8
DATA ·onTermAddress(SB)/8, $·onTerm(SB)
GLOBL ·onTermAddress(SB), RODATA, $8
DATA ·restoreAddress(SB)/8, $0 // the kernel has its own here
GLOBL ·restoreAddress(SB), RODATA, $8
