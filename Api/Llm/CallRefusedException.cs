namespace LlmAspire.Api.Llm;

/// <summary>A call was not made: nothing was sent to the gateway.</summary>
public sealed class CallRefusedException(GatewayFailure failure, Exception? innerException = null) : Exception(failure.Title, innerException)
{
    /// <summary>Why, in words for the user.</summary>
    public GatewayFailure Failure { get; } = failure;
}
