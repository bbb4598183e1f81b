using Microsoft.Extensions.Logging;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Writes what the resources of the stack log to a file beside the test results.</summary>
/// <param name="path">The file.</param>
internal sealed class StackLog(string path) : ILoggerProvider
{
    private readonly StreamWriter _file = new(path) { AutoFlush = true };

    public ILogger CreateLogger(string categoryName) => new Logger(_file, categoryName[(categoryName.LastIndexOf('.') + 1)..]);

    public void Dispose() => _file.Dispose();

    private sealed class Logger(StreamWriter file, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                lock (file)
                {
                    file.WriteLine($"{name,-12} {formatter(state, exception)}");
                }
            }
        }
    }
}
