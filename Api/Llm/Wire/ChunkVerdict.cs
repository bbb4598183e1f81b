namespace LlmAspire.Api.Llm.Wire;

/// <summary>What was found in a chunk, for whoever passes it on.</summary>
/// <param name="Text">Where its text stands; null when it has not one, or says something else that counts.</param>
/// <param name="IsAnswer">Whether it belongs to the answer: an error, a ping and noise do not.</param>
/// <param name="IsChunk">Whether it says that it is a chunk of a stream.</param>
/// <param name="IsClean">Whether OpenAI's own clients read it as it is.</param>
/// <param name="HasUsage">Whether it reports usage, wherever in it.</param>
/// <param name="SaysMore">Whether it says anything but its usage.</param>
internal readonly record struct ChunkVerdict(Range? Text, bool IsAnswer, bool IsChunk, bool IsClean, bool HasUsage, bool SaysMore);
