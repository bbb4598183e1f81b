using LlmAspire.Api.Chat;
using LlmAspire.Api.Conversations;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Models;
using LlmAspire.Api.OpenAi;
using LlmAspire.Api.Prices;
using LlmAspire.Api.Prompts;
using LlmAspire.Api.Reconciliation;
using LlmAspire.Api.Reports;
using LlmAspire.Api.Tools;

namespace LlmAspire.Api;

/// <summary>All that the Api answers, and what has to be there for it.</summary>
internal static class ApiEndpoints
{
    public static void MapApi(this IEndpointRouteBuilder app)
    {
        var accounts = app.MapGroup("").RequireAuthorization().RequireAccounts();
        accounts.MapAccountsApi();
        accounts.MapConversationApi();
        accounts.MapPromptLibraryApi();
        accounts.MapPricesApi();
        accounts.MapReconciliationApi();
        accounts.MapReportsApi();
        var business = accounts.MapGroup("").RequireGateway();
        business.MapModelsApi();
        business.MapToolsApi();
        business.MapChatApi();
        business.MapPromptWritingApi();
        business.MapOpenAiApi();
    }
}
