using LlmAspire.AppHost.Stack;

namespace LlmAspire.AppHost.Gateway;

/// <summary>The keys of the providers that <c>litellm/config.yaml</c> names.</summary>
/// <param name="EnvironmentVariable">Its name in <c>.env</c>, in the environment, in user secrets, and in the gateway.</param>
internal sealed record ProviderKey(string EnvironmentVariable)
{
    /// <summary>The name of the Aspire parameter that carries it.</summary>
    public string ParameterName => EnvironmentVariable.ToLowerInvariant().Replace('_', '-');
}

/// <inheritdoc cref="ProviderKey"/>
internal static class ProviderKeys
{
    private static readonly ProviderKey OpenAI = new("OPENAI_API_KEY");
    private static readonly ProviderKey SecondOpenAI = new("OPENAI_API_KEY_2");

    public static IReadOnlyList<ProviderKey> All { get; } =
        [OpenAI, SecondOpenAI, new("ANTHROPIC_API_KEY"), new("GEMINI_API_KEY"), new("MISTRAL_API_KEY")];

    /// <summary>
    /// Gives the gateway the provider keys that are set, each as a secret parameter. The second deployment of
    /// chat-default runs on the first OpenAI key when it has none of its own.
    /// </summary>
    /// <remarks>When publishing with no key at all, the OpenAI key becomes a parameter that the deployment asks for.</remarks>
    public static IResourceBuilder<T> WithProviderKeys<T>(this IResourceBuilder<T> gateway)
        where T : IResourceWithEnvironment
    {
        var builder = gateway.ApplicationBuilder;
        var parameters = All
            .Where(key => builder.Configuration.Has(key.EnvironmentVariable))
            .ToDictionary(key => key, key => builder.AddParameterFromConfiguration(key.ParameterName, key.EnvironmentVariable, secret: true)
                .WithDescription("The key of a provider, from `.env`, the environment or user secrets. Only the gateway has it.", enableMarkdown: true));

        if (parameters.Count == 0 && builder.ExecutionContext.IsPublishMode)
        {
            parameters.Add(OpenAI, builder.AddParameter(OpenAI.ParameterName, secret: true));
        }

        foreach (var (key, parameter) in parameters)
        {
            gateway.WithEnvironment(key.EnvironmentVariable, parameter);
        }

        if (parameters.TryGetValue(OpenAI, out var first) && !parameters.ContainsKey(SecondOpenAI))
        {
            gateway.WithEnvironment(SecondOpenAI.EnvironmentVariable, first);
        }

        return gateway;
    }
}
