using LlmAspire.DemoGateway.Configuration;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>What every part of one answer repeats.</summary>
/// <param name="Created">Unix seconds.</param>
/// <param name="SystemFingerprint">OpenAI's only.</param>
/// <param name="ServiceTier">OpenAI's only.</param>
internal sealed record AnswerIdentity(string Id, long Created, string Alias, string? SystemFingerprint, string? ServiceTier)
{
    public static AnswerIdentity New(Deployment deployment, DateTimeOffset now) => deployment.Provider == "openai"
        ? new AnswerIdentity($"chatcmpl-{Guid.NewGuid():N}", now.ToUnixTimeSeconds(), deployment.Alias, "fp_demo", "default")
        : new AnswerIdentity($"chatcmpl-{Guid.NewGuid()}", now.ToUnixTimeSeconds(), deployment.Alias, null, null);
}
