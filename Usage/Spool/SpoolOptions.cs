namespace LlmAspire.Usage;

/// <summary>Where events wait while PostgreSQL is away: section <c>Spool</c>.</summary>
public sealed class SpoolOptions
{
    public const string Section = "Spool";

    /// <summary>
    /// A folder on a disk that outlives the process, relative to the content root. Several processes of one machine may share it: each has a file of its
    /// own.
    /// </summary>
    public string Directory { get; set; } = ".data/spool";

    /// <summary>The most that this process's file may have. An event takes about 1 KiB.</summary>
    public long MaxBytes { get; set; } = 1L << 30;

    /// <summary>How often the folder is searched for files whose process is gone.</summary>
    public TimeSpan AdoptionInterval { get; set; } = TimeSpan.FromMinutes(1);
}
