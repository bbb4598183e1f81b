using LlmAspire.ServiceDefaults;

namespace LlmAspire.UsageWorker.Reconciliation;

/// <summary>Settings of the comparison with the gateway's spend logs: <c>LLM_BASE_URL</c> and <c>LLM_API_KEY</c>, and the section <c>Reconciliation</c>.</summary>
internal sealed class ReconciliationOptions
{
    public const string Section = "Reconciliation";

    private const int MostDaysBack = 90;
    private const int MostInvoiceDaysBack = 366;

    /// <summary>The time between two looks.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>A call is compared when it is so old: by then it has ended, and its log and its row are written.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How many days, beside the running one, are compared when they have not been, or have changed.</summary>
    public int DaysBack { get; set; } = 7;

    /// <summary>How many days, beside the running one, invoices are compared of: they come at the end of a month and later.</summary>
    public int InvoiceDaysBack { get; set; } = 62;

    /// <summary>The share of tokens, or of an invoice's cost, 0 to 1, above which what differs is a notice.</summary>
    public decimal Threshold { get; set; } = 0.01m;

    /// <summary>How long the gateway may take for a page of its logs.</summary>
    public TimeSpan GatewayTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Where the gateway is; without it there is nothing to compare with.</summary>
    public string? BaseUrl { get; set; }

    public string? ApiKey { get; set; }

    public bool IsPossible => Interval > TimeSpan.Zero && Delay >= TimeSpan.Zero && Delay <= TimeSpan.FromDays(MostDaysBack)
        && DaysBack is >= 0 and <= MostDaysBack && InvoiceDaysBack is >= 0 and <= MostInvoiceDaysBack && Threshold is >= 0 and <= 1 && GatewayTimeout > TimeSpan.Zero
        && (BaseUrl is null || Uri.TryCreate(BaseUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https");

    public const string WhatIsPossible =
        "Reconciliation:Interval and :GatewayTimeout must be positive, :Delay from 0 to 90 days, :DaysBack from 0 to 90, :InvoiceDaysBack from 0 to 366, :Threshold from 0 to 1, and LLM_BASE_URL, "
        + "when it is set, an address of the form http://host:port.";

    public Uri Root => GatewayAddress.Root(BaseUrl ?? throw new InvalidOperationException("LLM_BASE_URL is not set."));
}
