namespace LlmAspire.DemoGateway.Contract;

/// <summary>What the proxy ends a call with, when no provider has given it a first token.</summary>
internal enum Refusal
{
    RateLimited,
    ServerError,
    Overloaded,
    WrongProviderKey,
    BadRequest,
    NoSuchModel,
    TimedOut,
    ContextWindowExceeded,

    /// <summary>The provider hung up in the middle of a body.</summary>
    ConnectionLost,
}
