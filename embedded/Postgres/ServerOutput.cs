using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>What the server writes: its last lines are kept, and each goes to the log at the level that it is worth.</summary>
internal sealed partial class ServerOutput(ILogger logger)
{
    private const int KeptLines = 20;

    private readonly ConcurrentQueue<string> _lastLines = new();

    public IReadOnlyCollection<string> LastLines => _lastLines;

    /// <summary>While the server is being stopped it complains about each connection that this ends.</summary>
    public bool Stopping { get; set; }

    public string Text => string.Join(Environment.NewLine, _lastLines);

    /// <summary>Reads all that <paramref name="process"/> and what it starts write. Ends when the last of them is gone.</summary>
    public Task ForwardAsync(Process process)
    {
        _lastLines.Clear();
        Stopping = false;
        return Task.WhenAll(ForwardAsync(process.StandardOutput), ForwardAsync(process.StandardError));
    }

    private async Task ForwardAsync(StreamReader output)
    {
        var level = LogLevel.Information;
        while (await output.ReadLineAsync(CancellationToken.None) is { } line)
        {
            _lastLines.Enqueue(line);
            while (_lastLines.Count > KeptLines)
            {
                _lastLines.TryDequeue(out _);
            }

            level = LevelOf(line, level);
            logger.ServerSaid(Stopping && level < LogLevel.Critical ? LogLevel.Debug : level, line);
        }
    }

    /// <summary>Example: <c>2026-11-30 21:26:59.123 UTC [8198] ERROR:  division by zero</c>, then its <c>STATEMENT:  …</c>.</summary>
    private static LogLevel LevelOf(string line, LogLevel before) => SeverityPattern().Match(line).Groups[1].ValueSpan switch
    {
        // An error is that of a client, which was told.
        "LOG" or "INFO" or "NOTICE" or "ERROR" => LogLevel.Debug,
        "WARNING" or "FATAL" => LogLevel.Warning,
        "PANIC" => LogLevel.Critical,
        // The detail, the statement or a further line of what came before.
        _ => before,
    };

    [GeneratedRegex(@"^(?:.*?\] )?([A-Z]+):  ")]
    private static partial Regex SeverityPattern();
}
