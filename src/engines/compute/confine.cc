// SPDX-License-Identifier: Apache-2.0
#include "engines/compute/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "base/fd.h"
#include "base/strings.h"

namespace lazuli::compute {
namespace {

// Newer than the kernel headers of Debian 12; values of the kernel's Documentation/userspace-api/
// landlock.rst.
constexpr uint64_t kFsRefer = 1u << 13, kFsTruncate = 1u << 14;
constexpr uint64_t kNetBindTcp = 1u << 0, kNetConnectTcp = 1u << 1;
constexpr uint64_t kScopeAbstractSocket = 1u << 0, kScopeSignal = 1u << 1;
constexpr int kRuleNetPort = 2;

struct RulesetAttributes {
  uint64_t handled_fs = 0;
  uint64_t handled_net = 0;
  uint64_t scoped = 0;
};
struct NetPortRule {
  uint64_t allowed = 0;
  uint64_t port = 0;
};

constexpr uint64_t kFileRead = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
constexpr uint64_t kRead = kFileRead | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kFileWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | kFsTruncate;
constexpr uint64_t kWrite = kFileWrite | kFsRefer | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                            LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                            LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                            LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                            LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

RulesetAttributes handled_by(int version) {
  RulesetAttributes handled{kRead | kWrite, 0, 0};
  if (version < 2) handled.handled_fs &= ~kFsRefer;
  if (version < 3) handled.handled_fs &= ~kFsTruncate;
  if (version >= 4) handled.handled_net = kNetBindTcp | kNetConnectTcp;
  if (version >= 6) handled.scoped = kScopeAbstractSocket | kScopeSignal;
  return handled;
}

size_t attributes_size(int version) {
  return version >= 6 ? sizeof(RulesetAttributes) : version >= 4 ? 16 : 8;
}

Result<void> allow_path(int ruleset, const std::string& path, uint64_t rights) {
  Fd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file.valid()) return success();
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return errno_error("stat " + path, errno);
  if (!S_ISDIR(info.st_mode)) rights &= kFileRead | kFileWrite;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = file.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return errno_error("allow " + path, errno);
  return success();
}

Result<void> allow_port(int ruleset, uint16_t port) {
  NetPortRule rule{kNetConnectTcp, port};
  if (::syscall(SYS_landlock_add_rule, ruleset, kRuleNetPort, &rule, 0) != 0)
    return errno_error("allow the relay's port", errno);
  return success();
}

constexpr const char* kRefusedCalls[] = {"acct",
                                         "add_key",
                                         "adjtimex",
                                         "bpf",
                                         "chroot",
                                         "clock_adjtime",
                                         "clock_settime",
                                         "create_module",
                                         "delete_module",
                                         "finit_module",
                                         "fsconfig",
                                         "fsmount",
                                         "fsopen",
                                         "fspick",
                                         "get_kernel_syms",
                                         "init_module",
                                         "io_uring_enter",
                                         "io_uring_register",
                                         "io_uring_setup",
                                         "ioperm",
                                         "iopl",
                                         "kexec_file_load",
                                         "kexec_load",
                                         "keyctl",
                                         "lookup_dcookie",
                                         "mount",
                                         "mount_setattr",
                                         "move_mount",
                                         "nfsservctl",
                                         "open_by_handle_at",
                                         "open_tree",
                                         "perf_event_open",
                                         "pivot_root",
                                         "quotactl",
                                         "quotactl_fd",
                                         "reboot",
                                         "request_key",
                                         "setdomainname",
                                         "sethostname",
                                         "setns",
                                         "settimeofday",
                                         "swapoff",
                                         "swapon",
                                         "sysfs",
                                         "umount",
                                         "umount2",
                                         "unshare",
                                         "userfaultfd",
                                         "uselib",
                                         "ustat",
                                         "vhangup",
                                         "vm86",
                                         "vm86old"};

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

void refuse(const Filter& filter, const char* name, int error,
            std::initializer_list<scmp_arg_cmp> arguments = {}) {
  int number = ::seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return;
  ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(static_cast<uint32_t>(error)), number,
                           static_cast<unsigned>(arguments.size()),
                           arguments.size() == 0 ? nullptr : arguments.begin());
}

void refuse_namespaces(const Filter& filter) {
  // clone3 hides its flags behind a pointer; ENOSYS makes the C library take clone instead.
  refuse(filter, "clone3", ENOSYS);
  for (unsigned flag : {CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID,
                        CLONE_NEWNET, CLONE_NEWCGROUP})
    refuse(filter, "clone", EPERM, {SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)});
}

void refuse_sockets(const Filter& filter, Datagrams datagrams) {
  // Families between and above the kept ones: AF_UNIX 1, AF_INET 2, AF_INET6 10, AF_NETLINK 16.
  for (unsigned family = 3; family < 48; ++family) {
    if (family == AF_INET6 || family == AF_NETLINK) continue;
    refuse(filter, "socket", EAFNOSUPPORT, {SCMP_A0(SCMP_CMP_EQ, family)});
  }
  refuse(filter, "socket", EAFNOSUPPORT, {SCMP_A0(SCMP_CMP_GE, 48)});
  if (datagrams == Datagrams::kAllowed) return;
  for (unsigned family : {AF_INET, AF_INET6})
    for (unsigned type : {SOCK_DGRAM, SOCK_RAW})
      refuse(filter, "socket", EACCES,
             {SCMP_A0(SCMP_CMP_EQ, family), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xF, type)});
}

}  // namespace

Result<void> drop_privileges() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &header, none) != 0) return errno_error("drop capabilities", errno);
  // With this, an exec grants nothing either, not even to user 0.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error("no_new_privs", errno);
  return success();
}

void limit_resources(uint64_t memory_bytes_max) {
  rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (memory_bytes_max == 0) return;
  rlimit memory{memory_bytes_max, memory_bytes_max};
  ::setrlimit(RLIMIT_DATA, &memory);
}

Result<void> restrict_system_calls(Datagrams datagrams) {
  Filter filter(::seccomp_init(SCMP_ACT_ALLOW),
                [](scmp_filter_ctx context) { ::seccomp_release(context); });
  if (!filter) return internal_error("seccomp_init failed");
  for (const char* name : kRefusedCalls) refuse(filter, name, EPERM);
  refuse_namespaces(filter);
  refuse_sockets(filter, datagrams);
  int error = ::seccomp_load(filter.get());
  if (error != 0) return errno_error("load the system call filter", -error);
  return success();
}

int landlock_version() {
  long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

Result<void> restrict_files(const FileAccess& access) {
  int version = landlock_version();
  if (version == 0) return unavailable("this kernel has no Landlock");
  RulesetAttributes handled = handled_by(version);
  Fd ruleset(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &handled, attributes_size(version), 0)));
  if (!ruleset.valid()) return errno_error("landlock_create_ruleset", errno);
  for (const std::string& path : access.readable)
    TRY(allow_path(ruleset.get(), path, handled.handled_fs & kRead));
  for (const std::string& path : access.writable)
    TRY(allow_path(ruleset.get(), path, handled.handled_fs));
  if (version >= 4 && access.connect_port != 0) TRY(allow_port(ruleset.get(), access.connect_port));
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0)
    return errno_error("landlock_restrict_self", errno);
  return success();
}

}  // namespace lazuli::compute
