using AngleSharp.Dom;
using Bunit;
using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using LlmAspire.Web.Conversations;
using LlmAspire.Web.Models;
using LlmAspire.Web.Prompts;
using LlmAspire.Web.Tools;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor.Services;

namespace LlmAspire.Web.Tests;

/// <summary>The chat page over <see cref="FakeApi"/>, with the services the application has; only the browser is not there.</summary>
internal sealed class PageTestContext : BunitContext
{
    private readonly TraceRecorder _traces = new(); // without a listener there are no trace ids

    private PageTestContext(FakeApi api, TimeProvider time, Uri? dashboard)
    {
        Api = api;
        JSInterop.Mode = JSRuntimeMode.Loose;
        Input = JSInterop.SetupModule("./Chat/MessageInput.razor.js").SetupModule("attach", _ => true);
        Services.AddMudServices();
        Services.AddLogging();
        Services.AddSingleton(time);
        var connection = NoTokens.Connect(new HttpClient { BaseAddress = api.Address, Timeout = Timeout.InfiniteTimeSpan }, time);
        Services.AddSingleton(new ApiClient(connection));
        Services.AddSingleton(new ConversationsClient(connection));
        Services.AddSingleton(new PromptsClient(connection));
        Services.AddSingleton<MarkdownRenderer>();
        Services.AddScoped<ChatSession>();
        Services.AddScoped<ModelDirectory>();
        Services.AddScoped<ToolDirectory>();
        Services.AddScoped<ConversationDirectory>();
        Services.Configure<SafeModeOptions>(options => options.Models.Add(new ModelInfo("safe-one", "Safe one", "openai")));
        Services.Configure<DashboardOptions>(options => options.Url = dashboard);
    }

    public FakeApi Api { get; }

    /// <summary>What the browser is told of the box of messages.</summary>
    public BunitJSModuleInterop Input { get; }

    public IRenderedComponent<ChatPageHost> Page { get; private set; } = null!;

    public ChatSession Session => Services.GetRequiredService<ChatSession>();

    public static async Task<PageTestContext> StartAsync(Action<FakeApi>? arrange = null, TimeProvider? time = null, Uri? dashboard = null, Guid? conversation = null,
        Action<BunitJSInterop>? arrangeScripts = null, Action<ComponentFactoryCollection>? arrangeComponents = null)
    {
        var api = await FakeApi.StartAsync();
        arrange?.Invoke(api);
        var context = new PageTestContext(api, time ?? TimeProvider.System, dashboard);
        arrangeScripts?.Invoke(context.JSInterop);
        arrangeComponents?.Invoke(context.ComponentFactories);
        context.Page = context.Render<ChatPageHost>(host => host.Add(page => page.ConversationId, conversation));
        return context;
    }

    public IElement Find(string testId) => Page.Find($"[data-testid={testId}]");

    public IReadOnlyList<IElement> FindAll(string testId) => Page.FindAll($"[data-testid={testId}]");

    /// <summary>Types a message and sends it, as the browser does.</summary>
    public async Task SendAsync(string message)
    {
        await OnAsync($"[data-testid={TestIds.MessageInput}]", input => input.ChangeAsync(new() { Value = message }));
        await OnAsync("form", form =>
        {
            _ = form.SubmitAsync(); // completes with the answer
            return Task.CompletedTask;
        });
    }

    public Task ClickAsync(string testId) => OnAsync($"[data-testid={testId}]", element => element.ClickAsync(new()));

    /// <summary>Finds an element and does something to it, with no render between the two.</summary>
    public Task OnAsync(string selector, Func<IElement, Task> action) => Page.InvokeAsync(() => action(Page.Find(selector)));

    /// <summary>Sends a message and gives the call that arrived at the Api.</summary>
    public async Task<ChatCall> AskAsync(string message)
    {
        await SendAsync(message);
        return await Api.NextChatAsync();
    }

    /// <summary>Waits for a condition of the page; it is checked at each render.</summary>
    public void Until(Action assertion) => Page.WaitForAssertion(assertion, TimeSpan.FromSeconds(20));

    public void UntilState(string state, int answer = 0) =>
        Until(() => Assert.Equal(state, FindAll(TestIds.Answer)[answer].GetAttribute("data-state")));

    protected override async ValueTask DisposeAsyncCore()
    {
        await base.DisposeAsyncCore();
        _traces.Dispose();
        await Api.DisposeAsync();
    }
}
