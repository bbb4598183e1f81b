namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// What one provider said of an answer. There is more than one when the gateway falls back in the middle of a stream: LiteLLM begins anew, with another id and the role once more.
/// Not thread-safe.
/// </summary>
internal sealed class AnswerPart
{
    /// <summary>The id of its chunks; null while none had one.</summary>
    public string? Id { get; set; }

    /// <summary>What its chunks call their model; null while they do not.</summary>
    public string? Model { get; set; }

    /// <summary>Chunks with its id.</summary>
    public int Chunks { get; set; }

    /// <summary>What was said, for an estimate.</summary>
    public AnswerText Text { get; } = new();

    public UsageReports Reports { get; } = new();

    /// <summary>Whether more was said after the last usage, which then is a running count.</summary>
    public bool HasTextAfterUsage { get; set; }

    /// <summary>All parts as one.</summary>
    public static AnswerPart Join(IEnumerable<AnswerPart> parts)
    {
        var whole = new AnswerPart();
        foreach (var part in parts)
        {
            whole.Id ??= part.Id;
            whole.Model = part.Model ?? whole.Model;
            whole.Chunks += part.Chunks;
            whole.Text.Append(part.Text);
            whole.Reports.Add(part.Reports);
            whole.HasTextAfterUsage = part.HasTextAfterUsage || whole.HasTextAfterUsage && part.Reports.Count == 0;
        }

        return whole;
    }
}
