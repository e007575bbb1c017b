"""Which system calls a job may make. Names are those of x86-64; a machine that lacks one skips it.

On the CPU a list of what is allowed: everything else does not exist (ENOSYS), so that libraries fall back as
they do on an older kernel. With CUDA a list of what is forbidden: which calls the driver makes is its secret
and changes with its version.
"""

MEMORY = "brk madvise membarrier mincore mprotect mremap msync munmap"
"""And `mmap`, under conditions."""

FILES = """
    access chdir close close_range copy_file_range dup dup2 dup3 faccessat faccessat2 fadvise64
    fallocate fchdir fdatasync flock fstat fstatfs fsync ftruncate getcwd getdents getdents64
    ioctl lseek lstat mkdir mkdirat newfstatat pread64 preadv preadv2 pwrite64 pwritev pwritev2 read
    readlink readlinkat readv rename renameat renameat2 rmdir sendfile stat statfs statx umask unlink
    unlinkat write writev
"""
"""Landlock decides which files. And `openat` and `fcntl`, under conditions."""

WAITING = """
    clock_getres clock_gettime clock_nanosleep epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2
    futex futex_waitv getitimer gettimeofday nanosleep pause pipe pipe2 poll ppoll pselect6
    restart_syscall select setitimer time timer_create timer_delete timer_settime times
"""

THREADS = """
    arch_prctl exit exit_group get_robust_list rseq sched_getaffinity sched_getparam sched_getscheduler
    sched_get_priority_max sched_get_priority_min sched_yield set_robust_list set_tid_address wait4
    waitid
"""
"""And `clone`, under conditions. There is nobody to wait for, but asking is harmless."""

SIGNALS = """
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack
"""
"""And `kill` and its like, to the process itself."""

IDENTITY = """
    capget getcpu getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getrandom
    getresgid getresuid getrlimit getrusage getsid gettid getuid sysinfo uname
"""

REFUSED = """
    chmod chown fchmod fchmodat fchmodat2 fchown fchownat fork lchown link linkat mknod mknodat setfsgid
    setfsuid setgid setgroups setpriority setregid setresgid setresuid setreuid setuid socket socketpair
    symlink symlinkat utime utimensat utimes vfork
"""
"""What libraries try now and then and can do without: they are told that it is not permitted (EPERM)."""

FATAL = """
    acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module execve execveat
    finit_module fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register
    io_uring_setup ioperm iopl kexec_file_load kexec_load keyctl lookup_dcookie mount mount_setattr
    move_mount open_by_handle_at open_tree perf_event_open pidfd_getfd pidfd_send_signal pivot_root
    process_vm_readv process_vm_writev ptrace quotactl reboot request_key setdomainname sethostname
    setns settimeofday swapoff swapon syslog umount2 unshare userfaultfd vhangup
"""
"""What no job has a use for: trying ends its process (SIGSYS), and its sender is told so."""

ALLOWED = f"{MEMORY} {FILES} {WAITING} {THREADS} {SIGNALS} {IDENTITY}"
