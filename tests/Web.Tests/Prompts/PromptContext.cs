using System.Text;
using System.Text.Json;
using AngleSharp.Dom;
using Bunit;
using LlmAspire.Web.Accounts;
using LlmAspire.Web.Api;
using LlmAspire.Web.Prompts;
using LlmAspire.Web.Tests.Reports;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor.Services;

namespace LlmAspire.Web.Tests.Prompts;

/// <summary>A page about prompts or keys over <see cref="FakeApi"/>, which keeps one prompt and its versions.</summary>
internal sealed class PromptContext : BunitContext
{
    public static readonly Guid Id = new("0199bbbb-0000-7000-8000-000000000001");

    private static readonly object Ada = new { id = Guid.NewGuid(), email = "ada@example.org" };

    private PromptContext(FakeApi api, string? publicUrl)
    {
        Api = api;
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddMudServices();
        Services.AddLogging();
        Services.AddSingleton(TimeProvider.System);
        var connection = NoTokens.Connect(new HttpClient { BaseAddress = api.Address, Timeout = Timeout.InfiniteTimeSpan }, TimeProvider.System);
        Services.AddSingleton(new ApiClient(connection));
        Services.AddSingleton(new PromptsClient(connection));
        Services.AddSingleton(new AccountsClient(connection, TimeProvider.System));
        Services.Configure<ApiAddressOptions>(options => options.PublicUrl = publicUrl is null ? null : new Uri(publicUrl));
    }

    public FakeApi Api { get; }

    /// <summary>The texts of the versions, the oldest first.</summary>
    public List<string> Versions { get; } = ["You bake."];

    public string Visibility { get; set; } = "private";

    public bool Editable { get; set; } = true;

    /// <summary>Writes what <c>/prompts/system</c> streams.</summary>
    public Func<Stream, CancellationToken, Task> Draft { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>The body of the last request that had one.</summary>
    public JsonElement Sent { get; private set; }

    public IRenderedComponent<IComponent> Page { get; private set; } = null!;

    public NavigationManager Navigation => Services.GetRequiredService<NavigationManager>();

    public static async Task<PromptContext> OpenAsync<TPage>(string address, Action<PromptContext>? arrange = null, string? publicUrl = null)
        where TPage : IComponent
    {
        var context = new PromptContext(await FakeApi.StartAsync(), publicUrl);
        arrange?.Invoke(context);
        context.Api.Other = context.AnswerAsync;
        context.Navigation.NavigateTo(address);
        context.Page = context.Render<ReportHost>(host => host.Add(page => page.Page, typeof(TPage)));
        return context;
    }

    public static string Event(string type, object data) => $"event: {type}\ndata: {JsonSerializer.Serialize(data)}\n\n";

    public static async Task WriteAsync(Stream stream, string text, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
        await stream.FlushAsync(cancellationToken);
    }

    public IElement Find(string testId, string inside = "") => Page.Find($"[data-testid={testId}] {inside}".TrimEnd());

    public IReadOnlyList<IElement> FindAll(string testId) => Page.FindAll($"[data-testid={testId}]");

    public Task ClickAsync(string testId) => Page.InvokeAsync(() => Find(testId).ClickAsync(new()));

    public Task ClickAsync(string testId, string text) => Page.InvokeAsync(() => Find(testId).QuerySelectorAll("button").Single(button => button.TextContent.Contains(text, StringComparison.Ordinal)).ClickAsync(new()));

    public Task TypeAsync(string testId, string text) => Page.InvokeAsync(() => Find(testId).InputAsync(new() { Value = text }));

    public string? Text => Find(TestIds.PromptText).GetAttribute("value");

    public void Until(Action assertion) => Page.WaitForAssertion(assertion, TimeSpan.FromSeconds(20));

    public void UntilThere(string testId) => Until(() => Find(testId));

    protected override async ValueTask DisposeAsyncCore()
    {
        await base.DisposeAsyncCore();
        await Api.DisposeAsync();
    }

    private async Task<IResult> AnswerAsync(HttpContext http)
    {
        if (http.Request.ContentLength > 0 || http.Request.Headers.TransferEncoding.Count > 0)
        {
            Sent = (await JsonDocument.ParseAsync(http.Request.Body)).RootElement;
        }

        var one = $"/prompts/{Id}";
        return $"{http.Request.Method} {http.Request.Path}" switch
        {
            "GET /prompts" => Results.Json(new
            {
                items = new[] { new { id = Id, name = "Baker", beginning = Versions[^1], visibility = Visibility, version = Versions.Count, owner = Ada, mine = true, updatedAt = DateTimeOffset.UtcNow } },
                next = (string?)null,
            }),
            "POST /prompts" => Results.Json(Prompt(), statusCode: 201),
            var get when get == $"GET {one}" => Results.Json(Prompt()),
            var put when put == $"PUT {one}" => Changed(() => Versions.Add(Sent.GetProperty("text").GetString()!)),
            var restore when restore == $"POST {one}/restore" => Changed(() => Versions.Add(Versions[Sent.GetProperty("number").GetInt32() - 1])),
            var versions when versions == $"GET {one}/versions" => Results.Json(new
            {
                items = Versions.Select((text, index) => new { number = index + 1, name = "Baker", text, visibility = Visibility, author = Ada, restoredFrom = (int?)null, createdAt = DateTimeOffset.UtcNow }).Reverse(),
                next = (string?)null,
            }),
            "GET /identity/api-keys" => Results.Json(Array.Empty<object>()),
            "POST /identity/api-keys" => Results.Json(new { id = Guid.NewGuid(), name = "pipeline", prefix = "llma_abc", key = "llma_abcdef", expiresAt = DateTimeOffset.UtcNow.AddDays(90) }),
            "POST /prompts/system" => Results.Stream(stream => Draft(stream, http.RequestAborted), "text/event-stream"),
            _ => Results.NotFound(),
        };
    }

    private IResult Changed(Action change)
    {
        if (Sent.GetProperty("version").GetInt32() != Versions.Count)
        {
            return Results.Json(new { status = 409, code = "prompt_changed", title = "Changed." }, JsonSerializerOptions.Web, "application/problem+json", 409);
        }

        change();
        return Results.Json(Prompt());
    }

    private object Prompt() => new
    {
        id = Id,
        name = "Baker",
        text = Versions[^1],
        visibility = Visibility,
        version = Versions.Count,
        owner = Ada,
        mine = Editable,
        editable = Editable,
        updatedAt = DateTimeOffset.UtcNow,
    };
}
