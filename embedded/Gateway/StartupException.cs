using Microsoft.AspNetCore.Connections;

namespace LlmAspire.DemoGateway;

/// <summary>The gateway cannot start, for a reason its user can mend. The message says what is wrong and what to do, and needs no stack trace.</summary>
internal sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner)
{
    public const int ExitCode = 2;

    /// <summary>The start-up failure that <paramref name="exception"/> means; null when it is a defect instead.</summary>
    public static StartupException? From(Exception exception) => exception switch
    {
        StartupException failure => failure,
        IOException { InnerException: AddressInUseException } inUse => new StartupException(
            $"{inUse.Message} Stop the process that holds it, or set ASPNETCORE_URLS to another address.", inUse),
        _ => null,
    };
}
