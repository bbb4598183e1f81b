using LlmAspire.DemoGateway.Configuration;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>What every part of one answer repeats.</summary>
/// <param name="Created">Unix seconds.</param>
/// <param name="SystemFingerprint">OpenAI's only.</param>
/// <param name="ServiceTier">OpenAI's only.</param>
internal sealed record AnswerIdentity(string Id, long Created, string Model, string? SystemFingerprint, string? ServiceTier)
{
    /// <param name="model">What the answer says that it is: the alias, with an exception in <see cref="PlainAnswer"/>.</param>
    public static AnswerIdentity New(Deployment deployment, string model, DateTimeOffset now) => deployment.Provider == "openai"
        ? new AnswerIdentity($"chatcmpl-{Guid.NewGuid():N}", now.ToUnixTimeSeconds(), model, "fp_demo", "default")
        : new AnswerIdentity($"chatcmpl-{Guid.NewGuid()}", now.ToUnixTimeSeconds(), model, null, null);
}
