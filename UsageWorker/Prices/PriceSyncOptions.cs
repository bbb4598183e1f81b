using LlmAspire.ServiceDefaults;

namespace LlmAspire.UsageWorker.Prices;

/// <summary>Settings of the synchronisation of prices: <c>LLM_BASE_URL</c> and <c>LLM_API_KEY</c>, and the section <c>Prices</c>.</summary>
internal sealed class PriceSyncOptions
{
    public const string Section = "Prices";

    /// <summary>The time between two looks at the gateway's prices.</summary>
    public TimeSpan SyncInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long the gateway may take for its answer.</summary>
    public TimeSpan SyncTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Where the gateway is; without it prices come from people alone.</summary>
    public string? BaseUrl { get; set; }

    public string? ApiKey { get; set; }

    public bool IsPossible => SyncInterval > TimeSpan.Zero && SyncTimeout > TimeSpan.Zero
        && (BaseUrl is null || Uri.TryCreate(BaseUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https");

    public const string WhatIsPossible =
        "Prices:SyncInterval and Prices:SyncTimeout must be positive, and LLM_BASE_URL, when it is set, an address of the form http://host:port.";

    public Uri Root => GatewayAddress.Root(BaseUrl ?? throw new InvalidOperationException("LLM_BASE_URL is not set."));
}
