using System.Text;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>
/// How likely each token was, as OpenAI tells it:
/// <code>{"content":[{"token":"Rain","logprob":-0.31,"bytes":[82,97,105,110],"top_logprobs":[{"token":"Rain","logprob":-0.31,"bytes":[82,97,105,110]}]}]}</code>
/// </summary>
internal sealed record Logprobs(IReadOnlyList<TokenLogprob> Content)
{
    public const int Most = 20;

    /// <summary>Made up, but always the same for the same token.</summary>
    /// <param name="top">How many tokens that could have stood there; the one that does is the first.</param>
    public static TokenLogprob Of(string token, int top)
    {
        var bytes = Encoding.UTF8.GetBytes(token);
        var logprob = bytes.Aggregate(7, (sum, one) => ((sum * 31) + one) % 500) / -1000.0;
        return new TokenLogprob(token, logprob, Numbers(bytes), [.. Enumerable.Range(0, top).Select(rank => Other(rank == 0 ? token : $"{token}{rank}", logprob - rank))]);
    }

    private static TopLogprob Other(string token, double logprob) => new(token, logprob, Numbers(Encoding.UTF8.GetBytes(token)));

    private static int[] Numbers(byte[] bytes) => [.. bytes.Select(one => (int)one)];
}

internal sealed record TokenLogprob(string Token, double Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<TopLogprob> TopLogprobs);

internal sealed record TopLogprob(string Token, double Logprob, IReadOnlyList<int> Bytes);
