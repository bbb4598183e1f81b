namespace LlmAspire.Usage;

/// <summary>Why the gateway's spend logs cannot be compared. Stored in lower case.</summary>
public static class GatewayProblem
{
    /// <summary>No worker has asked yet.</summary>
    public const string NotAsked = "not_asked";

    /// <summary><c>LLM_BASE_URL</c> is not set.</summary>
    public const string NotConfigured = "not_configured";

    /// <summary>LiteLLM keeps spend logs only with a database.</summary>
    public const string NoDatabase = "no_database";

    /// <summary>The gateway is no LiteLLM, or one before spend logs came in pages.</summary>
    public const string NotSupported = "not_supported";

    /// <summary>The key may not read spend logs: it takes the master key, or one of an administrator.</summary>
    public const string Refused = "refused";

    public const string Unreachable = "unreachable";

    /// <summary>It answers, but with an error or with something else than spend logs.</summary>
    public const string Failed = "failed";
}
