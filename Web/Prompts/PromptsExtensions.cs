namespace LlmAspire.Web.Prompts;

public static class PromptsExtensions
{
    /// <summary>Adds what the pages of prompts need.</summary>
    public static IHostApplicationBuilder AddPrompts(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddTransient<PromptsClient>();
        return builder;
    }
}
