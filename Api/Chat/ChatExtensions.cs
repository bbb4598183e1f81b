namespace LlmAspire.Api.Chat;

internal static class ChatExtensions
{
    public static TBuilder AddChat<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<ChatSettings>().BindConfiguration(ChatSettings.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ChatRuns>();
        builder.Services.AddSingleton<ChatService>();
        builder.Services.AddSingleton<ChatValidator>();
        return builder;
    }
}
