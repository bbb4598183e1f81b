using Microsoft.Extensions.Configuration;

namespace LlmAspire.KillTest;

/// <summary>What is done to the stack.</summary>
public enum Scenario
{
    /// <summary>Processes are killed and frozen at random moments.</summary>
    Kills,

    /// <summary>PostgreSQL is stopped for a while.</summary>
    Outage,

    /// <summary>PostgreSQL is stopped for a while, and meanwhile an Api is killed.</summary>
    OutageApiKilled,

    /// <summary>PostgreSQL is stopped for a while, and the Apis' spools have next to no room.</summary>
    SpoolFull,

    /// <summary>The Apis are told to stop.</summary>
    Sigterm,
}

/// <summary>What is broken on purpose: a check that cannot fail proves nothing.</summary>
public enum Sabotage
{
    None,

    /// <summary>Some events vanish on their way into the inbox.</summary>
    DropSettle,

    /// <summary>Some events come into the inbox a second time, under another id.</summary>
    DoubleIngest,

    /// <summary>A provisional row stays as it is when its call is settled after all.</summary>
    LateSettleIgnored,

    /// <summary>What calls may use is not counted while they run.</summary>
    ReserveIgnored,
}

/// <summary>The command line: <c>--name value</c>.</summary>
public sealed record KillOptions
{
    public Scenario Scenario { get; init; } = Scenario.Kills;

    public Sabotage Sabotage { get; init; } = Sabotage.None;

    /// <summary>How many processes are killed; freezes come on top of it.</summary>
    public int Kills { get; init; } = 40;

    /// <summary>Chats at the same time.</summary>
    public int Streams { get; init; } = 40;

    /// <summary>How long PostgreSQL is stopped, in the scenarios that stop it.</summary>
    public int Seconds { get; init; } = 60;

    /// <summary>The same seed makes the same plan; the moments still depend on the machine.</summary>
    public int Seed { get; init; } = Random.Shared.Next();

    /// <summary>Keeps the logs of a good run too.</summary>
    public bool Keep { get; init; }

    /// <exception cref="KillTestException">Something in it is not known.</exception>
    public static KillOptions Parse(string[] arguments)
    {
        try
        {
            // On the command line names have dashes, in the code they have not.
            var settings = new ConfigurationBuilder().AddCommandLine([.. arguments.Select(Plain)]).Build();
            var options = new KillOptions();
            settings.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
            return options is { Kills: > 0, Streams: > 0, Seconds: > 0 } && arguments.Length % 2 == 0
                ? options
                : throw new KillTestException($"A number must be more than 0, and each option has a value.{Environment.NewLine}{Usage}");
        }
        catch (Exception exception) when (exception is InvalidOperationException or FormatException)
        {
            throw new KillTestException($"{exception.Message}{Environment.NewLine}{Usage}", exception);
        }
    }

    private const string Usage = """
        dotnet run --project tests/KillTest -- [--kills N] [--streams N] [--seed N] [--seconds N] [--keep true]
            [--scenario kills|outage|outage-api-killed|spool-full|sigterm] [--sabotage drop-settle|double-ingest|late-settle-ignored|reserve-ignored]
        """;

    private static string Plain(string argument) =>
        argument.StartsWith("--", StringComparison.Ordinal) ? argument : argument.Replace("-", "", StringComparison.Ordinal);
}
