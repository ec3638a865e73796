//! The least that a window with WebKitGTK can be: as large as the app's, one
//! view, 50 bubbles that do nothing. The bench starts it as the window's floor.

#[cfg(target_os = "linux")]
fn main() {
    use gtk::prelude::{ContainerExt as _, GtkWindowExt as _, WidgetExt as _};
    use webkit2gtk::{WebView, WebViewExt as _};

    if let Err(error) = gtk::init() {
        eprintln!("there is no display: {error}");
        return;
    }
    let window = gtk::Window::new(gtk::WindowType::Toplevel);
    window.set_default_size(1040, 720);
    let view = WebView::new();
    view.load_html(&page(), None);
    window.add(&view);
    window.show_all();
    gtk::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}

/// Fifty bubbles, the newest at the bottom and in view.
#[cfg(target_os = "linux")]
fn page() -> String {
    let bubbles: String = (1..=50)
        .map(|number| {
            let side = if number % 3 == 0 { "mine" } else { "theirs" };
            format!("<p class={side}>Message {number}: as long as many a message is.</p>")
        })
        .collect();
    format!(
        "<!doctype html><meta charset=utf-8><style>
         body {{ margin: 0; padding: 1rem; font: 15px sans-serif; background: #fff; color: #222;
                 display: flex; flex-direction: column; }}
         p {{ margin: 4px 0; padding: 8px 12px; border-radius: 12px; max-width: 60%; }}
         .theirs {{ background: #e4e7eb; align-self: flex-start; }}
         .mine {{ background: #cfe6ff; align-self: flex-end; }}
         </style>{bubbles}<script>scrollTo(0, document.body.scrollHeight)</script>"
    )
}
