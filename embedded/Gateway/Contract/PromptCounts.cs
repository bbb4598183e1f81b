namespace LlmAspire.DemoGateway.Contract;

/// <summary>Tokens of a prompt, as its provider counts them.</summary>
/// <param name="Total">All of them.</param>
/// <param name="Cached">Of these, what the provider had in its cache.</param>
/// <param name="CacheWrite">Of the others, what it stored there, and charges for.</param>
/// <param name="CacheWriteHour">Of what it stored, what stays for an hour instead of five minutes.</param>
internal sealed record PromptCounts(int Total, int Cached = 0, int CacheWrite = 0, int CacheWriteHour = 0)
{
    public static PromptCounts None { get; } = new(0);
}
