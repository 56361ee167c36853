/* A program without libc. The start-up of a static libc makes system calls, and other ones in each release: a filter
 * that is made for the release in the image ends a program that was compiled on a machine with another one. */
__attribute__((unused)) static long call(long n, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

int main(void);

/* Aligns the stack, and exits with what `main` returns. */
__asm__(".globl _start\n_start: xor %ebp, %ebp\nand $-16, %rsp\ncall main\nmov %eax, %edi\nmov $231, %eax\nsyscall\nhlt\n");
