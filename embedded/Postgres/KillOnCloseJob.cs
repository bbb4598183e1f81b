using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>
/// The guard of Windows: a job object that this process is in, and so are all processes that it starts from then on, with
/// theirs. Its one handle is never closed: Windows closes it when this process ends, and then ends all that is left in the job.
/// </summary>
/// <remarks>
/// See https://learn.microsoft.com/windows/win32/procthread/job-objects. The server ends as in a crash, from which the next
/// start recovers. A cluster that is thrown away stays on the disk then.
/// </remarks>
[SupportedOSPlatform("windows")]
internal sealed partial class KillOnCloseJob : ServerGuard
{
    /// <summary><c>JobObjectExtendedLimitInformation</c>.</summary>
    private const int ExtendedLimitsClass = 9;

    /// <summary><c>JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE</c>.</summary>
    private const uint KillOnClose = 0x2000;

    /// <summary>What <c>GetCurrentProcess</c> returns.</summary>
    private const nint ThisProcess = -1;

    /// <summary>One for all servers of this process: a process cannot leave a job again.</summary>
    private static readonly Lazy<SafeFileHandle> Job = new(Join);

    private readonly CommandRunner _runner;

    public KillOnCloseJob(ClusterFolder folder, bool throwaway, CommandRunner runner, ILogger logger)
        : base(folder, throwaway)
    {
        _runner = runner;
        try
        {
            _ = Job.Value;
        }
        catch (Win32Exception exception)
        {
            logger.GuardGone(exception.Message);
        }
    }

    public override Task<Process> LaunchAsync(string command, IEnumerable<string> arguments)
    {
        var process = Process.Start(_runner.StartInfo(command, arguments))!;
        process.StandardInput.Close();
        return Task.FromResult(process);
    }

    private static SafeFileHandle Join()
    {
        var job = CreateJobObject(0, 0);
        var limits = new ExtendedLimits { Basic = { LimitFlags = KillOnClose } };
        if (job.IsInvalid
            || !SetInformationJobObject(job, ExtendedLimitsClass, in limits, (uint)Marshal.SizeOf<ExtendedLimits>())
            || !AssignProcessToJobObject(job, ThisProcess))
        {
            var error = Marshal.GetLastPInvokeError();
            job.Dispose();
            throw new Win32Exception(error);
        }

        return job;
    }

    [LibraryImport("kernel32.dll", EntryPoint = "CreateJobObjectW", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial SafeFileHandle CreateJobObject(nint securityAttributes, nint name);

    [LibraryImport("kernel32.dll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool SetInformationJobObject(SafeFileHandle job, int informationClass, in ExtendedLimits information, uint length);

    [LibraryImport("kernel32.dll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool AssignProcessToJobObject(SafeFileHandle job, nint process);

    /// <summary><c>JOBOBJECT_BASIC_LIMIT_INFORMATION</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct BasicLimits
    {
        public long PerProcessUserTimeLimit;
        public long PerJobUserTimeLimit;
        public uint LimitFlags;
        public nuint MinimumWorkingSetSize;
        public nuint MaximumWorkingSetSize;
        public uint ActiveProcessLimit;
        public nuint Affinity;
        public uint PriorityClass;
        public uint SchedulingClass;
    }

    /// <summary><c>JOBOBJECT_EXTENDED_LIMIT_INFORMATION</c>; the six counters are its <c>IO_COUNTERS</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ExtendedLimits
    {
        public BasicLimits Basic;
        public ulong ReadOperationCount;
        public ulong WriteOperationCount;
        public ulong OtherOperationCount;
        public ulong ReadTransferCount;
        public ulong WriteTransferCount;
        public ulong OtherTransferCount;
        public nuint ProcessMemoryLimit;
        public nuint JobMemoryLimit;
        public nuint PeakProcessMemoryUsed;
        public nuint PeakJobMemoryUsed;
    }
}
