namespace LlmAspire.AppHost.Stack;

/// <summary>
/// Remembers where the last run kept its ledger. Each mode has its own, so a silent change of mode would look like the loss of all data.
/// </summary>
/// <param name="root">The folder that all modes share.</param>
internal sealed class LastMode(string root)
{
    private static readonly string[] EmbeddedFolders = ["postgres", "spool", "gateway"];

    private readonly string _file = Path.Combine(root, "mode");

    /// <summary>The mode of the last run; null before the first.</summary>
    public ServicesMode? Read() =>
        File.Exists(_file) && Enum.TryParse<ServicesMode>(File.ReadAllText(_file).Trim(), ignoreCase: true, out var mode) ? mode
        // Before the mode was remembered, every stack was an embedded one.
        : EmbeddedFolders.Any(folder => Directory.Exists(Path.Combine(root, folder))) ? ServicesMode.Embedded
        : null;

    /// <summary>Remembers the mode of the run that begins.</summary>
    public void Write(ServicesMode mode)
    {
        Directory.CreateDirectory(root);
        File.WriteAllText(_file, mode.ToString().ToLowerInvariant() + Environment.NewLine);
    }

    /// <summary>Where a mode keeps its files.</summary>
    public string DirectoryOf(ServicesMode mode) => mode == ServicesMode.Embedded ? root : Path.Combine(root, "containers");
}
