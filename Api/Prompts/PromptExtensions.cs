namespace LlmAspire.Api.Prompts;

internal static class PromptExtensions
{
    /// <summary>Adds the writing of system prompts, and the library of saved ones.</summary>
    public static TBuilder AddPrompts<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<PromptSettings>().BindConfiguration(PromptSettings.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<PromptService>();
        builder.Services.AddScoped<PromptLibrary>();
        return builder;
    }
}
