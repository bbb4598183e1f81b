namespace LlmAspire.DemoGateway.Chat;

/// <param name="TokensPerSecond">0 is as fast as possible.</param>
/// <param name="TimeToFirstTokenMs">Milliseconds from accepting a call to its first token.</param>
internal readonly record struct AnswerPace(double TokensPerSecond, double TimeToFirstTokenMs);
