namespace LlmAspire.Api.Llm;

/// <summary>The usage of a call could not be made durable in time. The writer keeps it and goes on trying.</summary>
public sealed class LedgerUnavailableException(Guid callId, Exception innerException)
    : Exception($"The usage of call {callId} is not durable yet.", innerException);
