using System.Text;
using LlmAspire.Api.Llm.Wire;

namespace LlmAspire.Api.Llm;

/// <summary>
/// A chat completion as it goes to the gateway, whoever made it: only with fields that are OpenAI's (<see cref="RequestTable"/>), and with what has to be in every call, the user, the
/// wish for usage at the end of a stream, and an output cap. All else stays as it came, byte for byte. Immutable.
/// </summary>
internal sealed class ProviderRequest
{
    private ProviderRequest(byte[] body, RequestFacts facts, long outputCap)
    {
        Body = body;
        PromptBound = body.Length - facts.PictureBytes;
        Choices = facts.Choices;
        OutputCap = outputCap * facts.Choices;
        FollowsTools = facts.FollowsTools;
        IsStreamed = facts.IsStreamed;
    }

    public byte[] Body { get; }

    /// <summary>A bound on the prompt's tokens: none has less than a byte, and pictures have a bound of their own.</summary>
    public long PromptBound { get; }

    /// <summary>How many answers are asked for in one.</summary>
    public int Choices { get; }

    /// <summary>The most that the model may answer, all choices together.</summary>
    public long OutputCap { get; }

    /// <summary>Whether it tells the model what tools answered: its last message is of one.</summary>
    public bool FollowsTools { get; }

    /// <summary>Whether the answer is to come as a stream.</summary>
    public bool IsStreamed { get; }

    /// <summary>Reads the content of a request once.</summary>
    /// <param name="outputCap">The cap for a request that has none.</param>
    /// <exception cref="CallRefusedException">It is no JSON object, or has something that must not go to the gateway.</exception>
    public static async Task<ProviderRequest> ReadAsync(HttpContent? content, Guid userId, int outputCap, CancellationToken cancellationToken)
    {
        var bytes = content is null ? [] : await ReadBytesAsync(content, cancellationToken);
        var (facts, refusal) = RequestReader.Read(bytes);
        return facts is null ? throw new CallRefusedException(refusal!) : Complete(bytes, facts, userId, outputCap);
    }

    /// <summary>The content itself would grow a buffer and copy that again: a request may be megabytes of pictures.</summary>
    private static async Task<byte[]> ReadBytesAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength is not (>= 0 and <= int.MaxValue and var length))
        {
            return await content.ReadAsByteArrayAsync(cancellationToken);
        }

        var bytes = GC.AllocateUninitializedArray<byte>((int)length);
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    private static ProviderRequest Complete(byte[] request, RequestFacts facts, Guid userId, int outputCap)
    {
        var asked = Greater(CountOf(facts.MaxCompletionTokens), CountOf(facts.MaxTokens));
        var own = new StringBuilder($"\"user\":\"{userId}\"");
        if (facts.IsStreamed)
        {
            own.Append(",\"stream_options\":{");
            own.Append(facts.IncludesObfuscation is { } obfuscation ? $"\"include_obfuscation\":{(obfuscation ? "true" : "false")}," : "");
            own.Append("\"include_usage\":true}");
        }

        // Always sent: what a call can cost at most must be known, and LiteLLM asks Anthropic for 64,000 when it is not.
        if (asked is null)
        {
            own.Append(",\"max_completion_tokens\":").Append(outputCap);
        }

        var body = Compose(request, facts, own.ToString(), field => field.Fact switch
        {
            RequestFact.User => false,
            RequestFact.StreamOptions => !facts.IsStreamed,
            RequestFact.MaxTokens or RequestFact.MaxCompletionTokens => asked is not null,
            _ => true,
        });
        return new ProviderRequest(body, facts, asked ?? outputCap);
    }

    /// <summary>Puts the fields that stay, without what is cut out of them, before those that are our own. One copy. Nothing is cut out of a field that does not stay.</summary>
    private static byte[] Compose(byte[] request, RequestFacts facts, string own, Predicate<RequestSpan> stays)
    {
        var kept = facts.Fields.FindAll(stays);
        var cut = facts.Cuts.Sum(part => part.End - part.Start);
        var body = GC.AllocateUninitializedArray<byte>(2 + kept.Sum(field => field.End - field.Start + 1) - cut + Encoding.UTF8.GetByteCount(own));
        var rest = body.AsSpan();
        Append("{"u8, ref rest);
        var next = 0;
        foreach (var field in kept)
        {
            var from = field.Start;
            for (; next < facts.Cuts.Count && facts.Cuts[next].End <= field.End; next++)
            {
                Append(request.AsSpan(from..facts.Cuts[next].Start), ref rest);
                from = facts.Cuts[next].End;
            }

            Append(request.AsSpan(from..field.End), ref rest);
            Append(","u8, ref rest);
        }

        rest = rest[Encoding.UTF8.GetBytes(own, rest)..];
        Append("}"u8, ref rest);
        return body;
    }

    private static void Append(ReadOnlySpan<byte> bytes, ref Span<byte> to)
    {
        bytes.CopyTo(to);
        to = to[bytes.Length..];
    }

    private static long? CountOf(long? count) => count == RequestFacts.NoCount ? null : count;

    private static long? Greater(long? one, long? other) => one is null || other > one ? other : one;
}
