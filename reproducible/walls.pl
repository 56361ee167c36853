#!/usr/bin/perl
# walls.pl ROOT WORK FROM:TO... -- COMMAND...: runs COMMAND, which nobody trusts, with a view of nothing but its inputs.
#
#   /        the folder ROOT, read-only
#   TO       each folder FROM, read-only
#   /build   the folder WORK: the only one of this machine that COMMAND can write
#   /tmp     in memory, gone afterwards
#   /dev     null, zero, full, random, urandom
#   /proc    the processes that COMMAND started, and nothing else
#
# COMMAND has namespaces of its own for mounts, processes, network, IPC, host name and control groups. It has no network,
# no capability and no way to get one, no terminal, no descriptor and no environment of the caller. It runs as a user that
# nothing else runs as. When it ends, all processes that it started are ended. Its output goes to standard error, without
# control characters.
#
# The variable CLOCK may hold further variables for COMMAND, NAME=VALUE, which set its clock.
#
# It needs root, or user namespaces; Linux 5.8 on x86-64; and perl-base, which every Debian has. There is one way: what this
# machine does not permit is an error, never a weaker wall. The system calls are made directly, because the last steps
# run where no program of this machine can be reached any more.
#
# Not covered: faults of the kernel itself, the time and the memory that COMMAND takes, and what it can learn from the CPU.
use strict;
use warnings;
use Cwd ();
use POSIX ();

# Debian gives this number to no user, and containers usually have it.
use constant BUILDER => 65533;

# Numbers of asm/unistd_64.h.
use constant {
    FCNTL => 72, SETGROUPS => 116, SETRESUID => 117, SETRESGID => 119, CAPSET => 126, PIVOT_ROOT => 155, PRCTL => 157,
    MOUNT => 165, UMOUNT => 166, SETHOSTNAME => 170, KEYCTL => 250, UNSHARE => 272, SETNS => 308,
};
# linux/sched.h
use constant {
    NEW_MOUNTS => 0x20000, NEW_CGROUPS => 0x2000000, NEW_HOSTNAME => 0x4000000, NEW_IPC => 0x8000000,
    NEW_USERS => 0x10000000, NEW_PROCESSES => 0x20000000, NEW_NETWORK => 0x40000000,
};
# linux/mount.h
use constant {
    READ_ONLY => 1, NO_SUID => 2, NO_DEVICES => 4, NO_PROGRAMS => 8, REMOUNT => 32, BIND => 4096, RECURSIVE => 16384,
    PRIVATE => 1 << 18, DETACH => 2,
};
# linux/prctl.h, linux/fcntl.h, linux/keyctl.h, linux/capability.h
use constant {
    DEATH_SIGNAL => 1, DROP_BOUND => 24, NO_NEW_PRIVILEGES => 38, AMBIENT => 47, AMBIENT_CLEAR => 4,
    SET_DESCRIPTOR_FLAGS => 2, CLOSE_ON_EXEC => 1, JOIN_SESSION_KEYRING => 1, CAPABILITIES_3 => 0x20080522,
};

sub stop { print STDERR "walls: $_[0]\n"; exit 1 }

# call NUMBER ARGUMENT...: makes the system call and returns whether it succeeded. perl passes a string as a pointer to it,
# and wants each to be a variable.
sub call {
    my ($number, @arguments) = map { my $copy = $_; $copy } @_;
    return syscall($number, @arguments) != -1;
}

sub mounted {
    my ($source, $target, $type, $flags, $options) = @_;
    return call(MOUNT, $source, $target, $type, $flags, $options // 0);
}

# bind FROM TO FLAGS: shows the file or folder FROM at TO. The flags of a bind take a call of their own.
sub bind_at {
    my ($from, $to, $flags) = @_;
    mounted($from, $to, "none", BIND) or stop("cannot mount $from at $to: $!");
    mounted("none", $to, "none", BIND | REMOUNT | $flags) or stop("cannot restrict the mount at $to: $!");
}

sub write_file {
    my ($path, $text) = @_;
    open(my $file, ">", $path) or stop("cannot open $path: $!");
    $text eq "" || syswrite($file, $text) or stop("cannot write $path: $!");
    close $file;
}

my $is_root = $< == 0;
my $help = $is_root
    ? "In a container, root needs CAP_SYS_ADMIN here (for example `--privileged`)."
    : "Run it as root, or permit user namespaces: the sysctls user.max_user_namespaces, kernel.unprivileged_userns_clone\n"
    . "and kernel.apparmor_restrict_unprivileged_userns, or the container's seccomp profile, forbid them; so does a chroot.";

# --- what to run ---
my ($root, $work, @folders, @command);
while (@ARGV && $ARGV[0] ne "--") { push @folders, shift @ARGV }
shift @ARGV;
@command = @ARGV;
($root, $work) = splice @folders, 0, 2;
@command or stop("usage: walls.pl ROOT WORK FROM:TO... -- COMMAND...");
(POSIX::uname())[4] eq "x86_64" or stop("this machine is not x86-64, for which the build is written");
# Names are resolved once, here: inside, links would lead somewhere else.
sub real { my $path = Cwd::realpath($_[0]); defined $path && -d $path or stop("not a folder: $_[0]"); return $path }
$_ = real($_) for $root, $work;
for (@folders) {
    my ($from, $to) = /^(.+):(\/[a-z]+)$/ or stop("not FROM:/TO: $_");
    $_ = [real($from), $to];
}
umask 022;

# --- namespaces ---
if (!$is_root) {
    # Whoever is not root becomes the builder in a user namespace. root becomes the builder itself, below, so that it needs
    # no user namespace.
    my ($user, $group) = ($<, (split " ", $()[0]);
    call(UNSHARE, NEW_USERS) or stop("this machine permits no user namespace: $!\n$help");
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", BUILDER . " $user 1");
    write_file("/proc/self/gid_map", BUILDER . " $group 1");
}
call(UNSHARE, NEW_MOUNTS | NEW_PROCESSES | NEW_NETWORK | NEW_IPC | NEW_HOSTNAME | NEW_CGROUPS)
    or stop("this machine permits no namespaces of mounts, processes, network, IPC, host name and control groups: $!\n$help");
# Where the caller lives in a chroot, this process leaves it, as root always can: only what the kernel has as the root of the
# mounts can be made private, and be replaced. Entering the own namespace leads there.
opendir(my $callers, "/") && open(my $namespace, "<", "/proc/self/ns/mnt") or stop("/proc is not mounted here: $!");
call(SETNS, fileno $namespace, NEW_MOUNTS) or stop("cannot enter the namespace of mounts: $!\n$help");
my $chroot = readlink("/proc/self/fd/" . fileno $callers) // stop("/proc is not mounted outside of this chroot: $!");
$chroot = "" if $chroot eq "/";
-d "$chroot$root" or stop("the root of this chroot, $chroot, is not in its namespace of mounts");
# What is mounted from here on stays inside.
mounted("none", "/", "none", RECURSIVE | PRIVATE) or stop("cannot make the mounts private: $!");

# --- two processes: this one relays the output, the other one is process 1 of its namespace and becomes COMMAND ---
pipe(my $output, my $inlet) && pipe(my $alive, my $held) or stop("no pipe: $!");
my $builder = fork // stop("no process: $!");
if ($builder) {
    close $inlet;
    my $text;
    while (sysread $output, $text, 65536) {
        # A terminal takes commands between the characters.
        $text =~ s/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/?/g;
        print STDERR $text;
    }
    waitpid $builder, 0;
    exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
}
close $held;

# No terminal: what has one can type into it. No descriptor: one of a folder leads out.
POSIX::setsid() != -1 or stop("no session: $!");
open(STDIN, "<", "/dev/null") && open(STDERR, ">&", $inlet) && open(STDOUT, ">&", $inlet) or stop("no pipe: $!");
opendir(my $descriptors, "/proc/self/fd") or stop("/proc is not mounted here: $!");
for (grep { /^\d+$/ && $_ > 2 } readdir $descriptors) {
    call(FCNTL, $_ + 0, SET_DESCRIPTOR_FLAGS, CLOSE_ON_EXEC) or stop("cannot mark descriptor $_: $!");
}
call(SETHOSTNAME, "capelet", 7) or stop("cannot set the host name: $!");

# --- the new root: an empty folder in memory, in which ROOT is a folder ---
mounted("tmpfs", "$chroot$root", "tmpfs", NO_SUID | NO_DEVICES, "mode=755,size=64k") or stop("cannot mount a tmpfs: $!\n$help");
mkdir "$chroot$root/machine" and mkdir "$chroot$root/root" or stop("cannot make a folder in a tmpfs: $!");
call(PIVOT_ROOT, "$chroot$root", "$chroot$root/machine")
    or stop("cannot change the root: $!");
chdir "/" or stop("cannot enter the new root: $!");
my $fixed = READ_ONLY | NO_SUID | NO_DEVICES;
bind_at("/machine$chroot$root", "/root", $fixed);
bind_at("/machine$chroot$work", "/root/build", NO_SUID | NO_DEVICES);
for (@folders) {
    my ($from, $to) = @$_;
    bind_at("/machine$chroot$from", "/root$to", $fixed);
}
mounted("tmpfs", "/root/tmp", "tmpfs", NO_SUID | NO_DEVICES, "mode=1777") or stop("cannot mount /tmp: $!");
mounted("tmpfs", "/root/dev", "tmpfs", NO_SUID | NO_PROGRAMS, "mode=755,size=64k") or stop("cannot mount /dev: $!");
for (qw(null zero full random urandom)) {
    write_file("/root/dev/$_", "");
    bind_at("/machine/dev/$_", "/root/dev/$_", READ_ONLY | NO_SUID | NO_PROGRAMS);
}
my %links = (fd => "", stdin => "/0", stdout => "/1", stderr => "/2");
symlink "/proc/self/fd$links{$_}", "/root/dev/$_" or stop("cannot make /dev/$_: $!") for keys %links;
mounted("none", "/root/dev", "none", BIND | REMOUNT | READ_ONLY | NO_SUID | NO_PROGRAMS) or stop("cannot close /dev: $!");
# With subset=pid there is nothing but processes: no settings of the kernel, which this user could partly read.
mounted("proc", "/root/proc", "proc", NO_SUID | NO_DEVICES | NO_PROGRAMS, "subset=pid")
    or stop("cannot mount /proc: $!\nIt needs Linux 5.8. In a container in which parts of /proc are covered, only root with CAP_SYS_ADMIN may.");

# --- nothing of this machine remains reachable ---
call(UMOUNT, "/machine", DETACH) && rmdir "/machine" or stop("cannot leave the machine's root: $!");
mounted("none", "/", "none", BIND | REMOUNT | $fixed) or stop("cannot close the new root: $!");
# The root of the mounts is the empty folder, so COMMAND lives in a chroot. The kernel makes no user namespace for such a
# process, and a user namespace would give it capabilities over what it makes there.
chroot "/root" && chdir "/build" or stop("cannot enter ROOT: $!");

# --- no capability, and no way to get one ---
call(PRCTL, AMBIENT, AMBIENT_CLEAR, 0, 0, 0) or stop("cannot clear the ambient capabilities: $!");
for (my $capability = 0; call(PRCTL, DROP_BOUND, $capability, 0, 0, 0); $capability++) { }
if ($is_root) {
    call(SETGROUPS, 0, 0) && call(SETRESGID, (BUILDER) x 3) && call(SETRESUID, (BUILDER) x 3)
        or stop("cannot become user ${\BUILDER}: $!\nIn a container, the range of users must include that number.");
}
call(CAPSET, pack("L2", CAPABILITIES_3, 0), pack("L6", (0) x 6)) or stop("cannot drop the capabilities: $!");
call(PRCTL, NO_NEW_PRIVILEGES, 1, 0, 0, 0) or stop("cannot forbid new privileges: $!");
# The caller's keys. A kernel without them, or a container that forbids the call, gives COMMAND none either.
call(KEYCTL, JOIN_SESSION_KEYRING, 0, 0, 0, 0) or $!{ENOSYS} or $!{EPERM} or stop("cannot leave the caller's keyring: $!");
# With the process that started it, COMMAND ends too. Changing the user has cleared this, so it comes last.
call(PRCTL, DEATH_SIGNAL, 9, 0, 0, 0) or stop("cannot tie this process to its parent: $!");
my $readable = "";
vec($readable, fileno $alive, 1) = 1;
select($readable, undef, undef, 0) and exit 1;

# What was asked for is looked at once more, since everything rests on it.
open(my $status, "<", "/proc/self/status") or stop("cannot read /proc/self/status: $!");
my %is = map { /^(\w+):\s+(.*)$/ } <$status>;
$is{$_} =~ /^0+$/ or stop("$_ is $is{$_}, not 0") for qw(CapInh CapPrm CapEff CapBnd CapAmb);
$is{NoNewPrivs} == 1 or stop("new privileges are not forbidden");
$is{Uid} eq join "\t", (BUILDER) x 4 or stop("the user is $is{Uid}, not ${\BUILDER}");

%ENV = (
    PATH => "/rust/bin:/usr/bin", HOME => "/build", LC_ALL => "C", TZ => "UTC", SOURCE_DATE_EPOCH => 0,
    map { split /=/, $_, 2 } split " ", $ENV{CLOCK} // "",
);
exec { $command[0] } @command or stop("cannot start $command[0]: $!");
