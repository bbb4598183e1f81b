using LlmAspire.Api.Chat.Groups;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations;
using LlmAspire.Usage;

namespace LlmAspire.Api.Chat;

internal static class ChatExtensions
{
    public static TBuilder AddChat<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<ChatSettings>().BindConfiguration(ChatSettings.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ChatRuns>();
        services.AddSingleton<ChatValidator>();
        services.AddScoped<ConversationPath>();
        services.AddScoped<ChatService>();
        services.AddSingleton<AnswerGroups>();
        services.AddSingleton<GroupValidator>();

        services.AddScoped<ConversationList>();
        services.AddScoped<ConversationReader>();
        services.AddScoped<RunStop>();
        services.AddSingleton<ConversationTitles>();

        services.AddSingleton<RunTable>();
        services.AddSingleton<RunReader>();
        services.AddSingleton<RunFolding>();
        services.AddSingleton<RunSignals>();
        services.AddSingleton<RunJournal>();
        services.AddSingleton<IRunJournal>(provider => provider.GetRequiredService<RunJournal>());
        services.AddSingleton<IRunReplay>(provider => provider.GetRequiredService<RunJournal>());
        // They stop in the opposite order: the runs end, what is left of them is stored, and then the writer stops.
        services.AddHostedService(provider => provider.GetRequiredService<RunJournal>());
        services.AddHostedService<RunStorage>();
        services.AddHostedService(provider => provider.GetRequiredService<RunSignals>());
        services.AddHostedService<RunSweep>();
        services.AddHostedService(provider => provider.GetRequiredService<ChatRuns>());
        return builder;
    }
}
