using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Orchestration;

/// <summary>Prints the lines of each resource behind its coloured name, and the AppHost's own lines as they are.</summary>
/// <param name="output">Where to print.</param>
internal sealed class ResourceConsoleLoggerProvider(TextWriter output) : ILoggerProvider
{
    private const string ResourceCategory = ".Resources.";
    private const string Reset = "\e[0m";
    private const string Red = "\e[31m";
    private static readonly string[] Colours = ["\e[36m", "\e[33m", "\e[35m", "\e[32m", "\e[34m", "\e[96m"];
    private static readonly bool UseColours = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";

    private readonly Lock _gate = new();
    private int _resources;

    public ILogger CreateLogger(string categoryName)
    {
        var at = categoryName.IndexOf(ResourceCategory, StringComparison.Ordinal);
        if (at < 0)
        {
            return new LineLogger(this, prefix: "", warnUp: categoryName.StartsWith("Microsoft", StringComparison.Ordinal));
        }

        var name = categoryName[(at + ResourceCategory.Length)..].PadRight(12);
        var colour = Colours[Interlocked.Increment(ref _resources) % Colours.Length];

        return new LineLogger(this, UseColours ? $"{colour}{name}{Reset} " : $"{name} ", warnUp: false);
    }

    public void Dispose()
    {
        // The console is not ours to close.
    }

    private void Print(string line)
    {
        lock (_gate)
        {
            output.WriteLine(line);
        }
    }

    private sealed class LineLogger(ResourceConsoleLoggerProvider provider, string prefix, bool warnUp) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= (warnUp ? LogLevel.Warning : LogLevel.Information);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
            {
                return;
            }

            var text = exception is null ? formatter(state, exception) : $"{formatter(state, exception)} {exception.Message}";
            var isProblem = prefix.Length == 0 && logLevel >= LogLevel.Error;
            provider.Print(isProblem && UseColours ? $"{Red}{text}{Reset}" : prefix + text);
        }
    }
}
