using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>The form in which a client gets an answer. For one thread at a time.</summary>
internal interface IAnswerWriter
{
    /// <exception cref="Contract.GatewayException">The answer failed before anything of it was sent.</exception>
    Task WriteAsync(AnswerStep step);

    /// <summary>What is left to send after the last step.</summary>
    IResult Result();
}
