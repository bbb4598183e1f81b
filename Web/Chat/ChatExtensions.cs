using LlmAspire.Web.Compare;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Tools;

namespace LlmAspire.Web.Chat;

public static class ChatExtensions
{
    public static IHostApplicationBuilder AddChat(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<DashboardOptions>().BindConfiguration(DashboardOptions.Section);
        builder.Services.AddSingleton<MarkdownRenderer>();
        builder.Services.AddScoped<ToolDirectory>();
        builder.Services.AddScoped<ChatSession>();
        builder.Services.AddScoped<ConversationDirectory>();
        builder.Services.AddTransient<Comparison>();
        return builder;
    }
}
