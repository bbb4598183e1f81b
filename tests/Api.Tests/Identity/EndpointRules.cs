using System.Net;
using System.Text.Json;

namespace LlmAspire.Api.Tests.Identity;

internal enum Who
{
    Everybody,

    /// <summary>A person, by token or API key.</summary>
    User,

    /// <summary>A program with an API key; a person's token may not.</summary>
    ApiKey,

    /// <summary>A person who signed in; an API key may not.</summary>
    Session,

    /// <summary>A signed-in admin of the organisation.</summary>
    Admin,

    /// <summary>Somebody signed in who runs the installation.</summary>
    Operator,
}

/// <summary>Who may use an endpoint, and how to attack it.</summary>
/// <param name="Target">Makes what the id in the address names, for a person.</param>
internal sealed record EndpointRule(Who Who, HostileTarget? Target = null);

/// <summary>A thing of somebody, which others must neither see nor change.</summary>
/// <param name="MakeAsync">Makes one and returns its id.</param>
/// <param name="LookAsync">What its owner sees of it.</param>
/// <param name="IsShared">Whether colleagues may see or change it.</param>
internal sealed record HostileTarget(Func<Person, Task<Guid>> MakeAsync, Func<Person, Guid, Task<string>> LookAsync, bool IsShared = false);

internal static class EndpointRules
{
    private static readonly HostileTarget ApiKey = new(
        async owner =>
        {
            using var made = await owner.SendAsync(HttpMethod.Post, "/identity/api-keys", new { name = "target" });
            return (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        },
        (owner, id) => FindAsync(owner, "/identity/api-keys", id));

    // An admin may remove and change members of their own organisation, themselves too.
    private static readonly HostileTarget Member = new(
        owner => Task.FromResult(owner.Id), (owner, id) => FindAsync(owner, "/organisation/members", id), IsShared: true);

    // Of all admins of an organisation.
    private static readonly HostileTarget Invitation = new(
        async owner =>
        {
            using var made = await owner.SendAsync(HttpMethod.Post, "/organisation/invitations", new { });
            return (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        },
        (owner, id) => FindAsync(owner, "/organisation/invitations", id), IsShared: true);

    private static readonly HostileTarget Conversation = new(
        async owner => (await ChatAsync(owner)).GetProperty("conversationId").GetGuid(),
        async (owner, id) =>
        {
            using var answer = await owner.GetAsync($"/conversations/{id}");
            return (await answer.ReadAsync()).GetRawText();
        });

    private static readonly HostileTarget Run = new(
        async owner => (await ChatAsync(owner)).GetProperty("runId").GetGuid(),
        async (owner, id) =>
        {
            using var answer = await owner.GetAsync($"/chat/runs/{id}/events");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        });

    private static readonly HostileTarget Prompt = new(
        async owner =>
        {
            using var made = await owner.SendAsync(HttpMethod.Post, "/prompts", new { name = "target", text = "You are a target." });
            return (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        },
        async (owner, id) =>
        {
            using var prompt = await owner.GetAsync($"/prompts/{id}");
            using var versions = await owner.GetAsync($"/prompts/{id}/versions");
            return (await prompt.ReadAsync()).GetRawText() + (await versions.ReadAsync()).GetRawText();
        });

    /// <summary>Every endpoint of the Api; a new one has to be entered here.</summary>
    public static IReadOnlyDictionary<string, EndpointRule> All { get; } = new Dictionary<string, EndpointRule>
    {
        ["GET /alive"] = new(Who.Everybody),
        ["GET /health"] = new(Who.Everybody),
        ["GET /openapi/{documentName}.json"] = new(Who.Everybody),
        ["POST /identity/register"] = new(Who.Everybody),
        ["POST /identity/login"] = new(Who.Everybody),
        ["POST /identity/refresh"] = new(Who.Everybody),
        ["POST /identity/logout"] = new(Who.Session),
        ["POST /identity/password"] = new(Who.Session),
        ["GET /identity/me"] = new(Who.User),
        ["POST /identity/api-keys"] = new(Who.Session),
        ["GET /identity/api-keys"] = new(Who.Session),
        ["DELETE /identity/api-keys/{id:guid}"] = new(Who.Session, ApiKey),
        ["GET /organisation"] = new(Who.Session),
        ["GET /organisation/members"] = new(Who.Session),
        ["POST /organisation/invitations"] = new(Who.Admin),
        ["GET /organisation/invitations"] = new(Who.Admin),
        ["DELETE /organisation/invitations/{id:guid}"] = new(Who.Admin, Invitation),
        ["DELETE /organisation/members/{id:guid}"] = new(Who.Admin, Member),
        ["PUT /organisation/members/{id:guid}/role"] = new(Who.Admin, Member),
        ["GET /llm/models"] = new(Who.User),
        ["POST /chat"] = new(Who.User),
        ["GET /chat/tools"] = new(Who.User),
        ["POST /chat/compare"] = new(Who.User),
        ["POST /chat/estimate"] = new(Who.User),
        ["POST /chat/race"] = new(Who.User),
        ["GET /chat/runs/{id:guid}/events"] = new(Who.User, Run),
        ["POST /chat/runs/{id:guid}/continue"] = new(Who.User, Run),
        ["DELETE /chat/runs/{id:guid}"] = new(Who.User, Run),
        ["POST /v1/chat/completions"] = new(Who.ApiKey),
        ["GET /v1/models"] = new(Who.ApiKey),
        ["GET /v1/models/{**id}"] = new(Who.ApiKey),
        ["GET /conversations"] = new(Who.User),
        ["GET /conversations/{id:guid}"] = new(Who.User, Conversation),
        ["PATCH /conversations/{id:guid}"] = new(Who.User, Conversation),
        ["DELETE /conversations/{id:guid}"] = new(Who.User, Conversation),
        ["GET /conversations/{id:guid}/export"] = new(Who.User, Conversation),
        ["PUT /conversations/{id:guid}/prompt"] = new(Who.User, Conversation),
        ["DELETE /conversations/{id:guid}/prompt"] = new(Who.User, Conversation),
        ["POST /prompts/system"] = new(Who.User),
        ["GET /prompts"] = new(Who.User),
        ["POST /prompts"] = new(Who.User),
        ["GET /prompts/{id:guid}"] = new(Who.User, Prompt),
        ["PUT /prompts/{id:guid}"] = new(Who.User, Prompt),
        ["DELETE /prompts/{id:guid}"] = new(Who.User, Prompt),
        ["GET /prompts/{id:guid}/versions"] = new(Who.User, Prompt),
        ["POST /prompts/{id:guid}/restore"] = new(Who.User, Prompt),
        ["GET /prices"] = new(Who.Operator),
        ["PUT /prices"] = new(Who.Operator),
        ["GET /prices/history"] = new(Who.Operator),
        ["GET /prices/unpriced"] = new(Who.Operator),
        ["POST /prices/preview"] = new(Who.Operator),
        ["GET /prices/export"] = new(Who.Operator),
        ["POST /prices/import"] = new(Who.Operator),
        ["GET /usage/summary"] = new(Who.User),
        ["GET /usage/latency"] = new(Who.User),
        ["GET /usage/calls"] = new(Who.User),
        ["GET /usage/calls/{id:guid}"] = new(Who.User),
        ["GET /usage/export"] = new(Who.User),
        ["GET /usage/budget"] = new(Who.User),
        ["GET /reconciliation"] = new(Who.Operator),
        ["GET /reconciliation/differences"] = new(Who.Operator),
        ["GET /reconciliation/invoices"] = new(Who.Operator),
        ["POST /reconciliation/invoices"] = new(Who.Operator),
    };

    /// <summary>Says something and waits for the answer.</summary>
    /// <returns>The data of the event <c>run</c>.</returns>
    private static async Task<JsonElement> ChatAsync(Person owner)
    {
        using var answer = await owner.SendAsync(HttpMethod.Post, "/chat", new { message = "Hi" });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.ReadAllEventsAsync())[0].Data;
    }

    /// <summary>The entry of a list, as JSON.</summary>
    private static async Task<string> FindAsync(Person owner, string list, Guid id)
    {
        using var answer = await owner.GetAsync(list);
        return Assert.Single((await answer.ReadAsync()).EnumerateArray(), entry => entry.GetProperty("id").GetGuid() == id).GetRawText();
    }
}
