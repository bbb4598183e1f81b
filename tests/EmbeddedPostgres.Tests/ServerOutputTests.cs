using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LlmAspire.EmbeddedPostgres.Tests;

/// <summary>The server's lines in the log.</summary>
public sealed class ServerOutputTests : ILogger
{
    private readonly List<(LogLevel Level, string Line)> _logged = [];

    [Fact]
    public async Task each_line_of_the_server_has_the_level_that_it_is_worth()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no printf");
        (LogLevel, string)[] lines =
        [
            (LogLevel.Information, "pg_ctl: could not start server"),
            (LogLevel.Debug, "2026-11-30 21:26:59.123 UTC [81] LOG:  database system is ready to accept connections"),
            (LogLevel.Warning, "2026-11-30 21:26:59.123 UTC [82] FATAL:  sorry, too many clients already"),
            (LogLevel.Warning, "2026-11-30 21:26:59.123 UTC [82] DETAIL:  of that"),
            (LogLevel.Debug, "ERROR:  division by zero"),
            (LogLevel.Debug, "STATEMENT:  SELECT 1"),
            (LogLevel.Debug, "\t/ 0"),
            (LogLevel.Critical, "2026-11-30 21:26:59.123 UTC [81] PANIC:  could not write to file"),
        ];
        var output = new ServerOutput(this);
        using var server = Process.Start(new ProcessStartInfo("printf", ["%s\\n", .. lines.Select(line => line.Item2)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

        await output.ForwardAsync(server);

        Assert.Equal(lines, _logged);
        Assert.Equal(lines.Select(line => line.Item2), output.LastLines);
    }

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _logged.Add((logLevel, formatter(state, exception)));

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;
}
