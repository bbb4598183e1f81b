namespace LlmAspire.Api.Llm.Wire;

/// <summary>Makes of an answer, as it is read, what its reader asked for. Not thread-safe.</summary>
internal interface IAnswerOutput
{
    /// <summary>What the reader gets next; until <see cref="Reset"/>.</summary>
    ReadOnlyMemory<byte> Written { get; }

    /// <summary>Begins anew after the reader has what was written.</summary>
    void Reset();

    /// <summary>Takes a chunk, or a plain completion.</summary>
    /// <param name="json">One JSON object.</param>
    /// <returns>Whether a chunk that differs by nothing but its text may go to <see cref="WriteLike"/>.</returns>
    bool Write(ReadOnlySpan<byte> json, in ChunkVerdict verdict);

    /// <summary>Takes a chunk that differs from one that <see cref="Write"/> returned true for by nothing but its text.</summary>
    void WriteLike(ReadOnlySpan<byte> json);

    /// <summary>The answer is whole.</summary>
    /// <param name="part">Its last part, or only one: whose usage it has.</param>
    void End(AnswerPart part);
}
