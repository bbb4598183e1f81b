namespace LlmAspire.KillTest.Load;

/// <summary>Somebody who asks.</summary>
/// <param name="Key">An API key: it outlives every token, and every process that made one.</param>
/// <param name="Models">Those that their plan has.</param>
internal sealed record Person(string Name, Guid Organisation, string Key, IReadOnlyList<string> Models);
