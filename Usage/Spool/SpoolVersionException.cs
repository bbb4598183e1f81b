namespace LlmAspire.Usage;

/// <summary>A newer version wrote the file: it has to take it up again.</summary>
internal sealed class SpoolVersionException(long version) : Exception(
    $"It has format {version}, and this version reads up to {SpoolDatabase.FormatVersion}. A newer version wrote it: start that one with this folder, and it takes the file up.");
