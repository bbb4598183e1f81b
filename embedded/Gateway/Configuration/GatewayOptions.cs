namespace LlmAspire.DemoGateway.Configuration;

/// <summary>The configuration section <c>Gateway</c>.</summary>
internal sealed record GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>LiteLLM's <c>config.yaml</c>; when null, <c>litellm/config.yaml</c> is looked for upwards.</summary>
    public string? ConfigPath { get; init; }

    /// <summary>The record of what was served; a relative path is below the content root.</summary>
    public string ServedPath { get; init; } = Path.Combine(".data", "gateway", "served.jsonl");

    /// <summary>Pace of an answer; 0 is as fast as possible.</summary>
    public double TokensPerSecond { get; init; } = 40;

    /// <summary>Milliseconds from accepting a call to its first token.</summary>
    public double TimeToFirstTokenMs { get; init; } = 200;

    /// <summary>Faults are heeded; when false, a call cannot ask for any.</summary>
    public bool Faults { get; init; } = true;

    /// <summary>There are spend logs, as there are where LiteLLM has a database.</summary>
    public bool SpendLogs { get; init; } = true;

    /// <exception cref="StartupException">A value cannot be used.</exception>
    public static GatewayOptions Read(IConfiguration configuration)
    {
        GatewayOptions options;
        try
        {
            options = configuration.GetSection(Section).Get<GatewayOptions>() ?? new GatewayOptions();
        }
        catch (InvalidOperationException exception)
        {
            throw new StartupException($"{exception.Message} {exception.InnerException?.Message} Correct it in the settings or the environment.", exception);
        }

        return options is { TokensPerSecond: >= 0 and < double.PositiveInfinity, TimeToFirstTokenMs: >= 0 and < 86_400_000 }
            ? options
            : throw new StartupException("Gateway:TokensPerSecond and Gateway:TimeToFirstTokenMs must be 0 or more; 0 means as fast as possible.");
    }
}
