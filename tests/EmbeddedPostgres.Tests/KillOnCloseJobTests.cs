using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

namespace LlmAspire.EmbeddedPostgres.Tests;

/// <summary>What can be told of Windows' guard on every system: it runs on all.</summary>
[SupportedOSPlatform("windows")]
public sealed class KillOnCloseJobTests
{
    /// <summary>As <c>winnt.h</c> has it: Windows refuses another size.</summary>
    [Fact]
    public void the_limits_of_a_job_have_the_size_that_windows_expects()
    {
        Assert.SkipUnless(Environment.Is64BitProcess, "pointers are shorter");

        Assert.Equal((64, 144), (Unsafe.SizeOf<KillOnCloseJob.BasicLimits>(), Unsafe.SizeOf<KillOnCloseJob.ExtendedLimits>()));
    }
}
