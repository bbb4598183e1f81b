using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Keeps what the resources of the stack log, and writes it to a file beside the test results.</summary>
/// <param name="path">The file.</param>
public sealed class StackLog(string path) : ILoggerProvider
{
    private readonly StreamWriter _file = new(path) { AutoFlush = true };
    private readonly ConcurrentQueue<(string Resource, string Text)> _lines = new();

    /// <summary>The lines so far, each with the name of its resource.</summary>
    public IReadOnlyCollection<(string Resource, string Text)> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName[(categoryName.LastIndexOf('.') + 1)..]);

    public void Dispose() => _file.Dispose();

    private void Write(string resource, string text)
    {
        _lines.Enqueue((resource, text));
        lock (_file)
        {
            _file.WriteLine($"{resource,-12} {text}");
        }
    }

    private sealed class Logger(StackLog log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log.Write(name, formatter(state, exception));
            }
        }
    }
}
