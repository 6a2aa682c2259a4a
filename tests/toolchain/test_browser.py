"""The portal's pages open in a real browser."""


def test_the_sign_in_page_opens(live_server, page):
    page.goto(f"{live_server.url}/admin/login/")
    assert page.get_by_label("Username").is_visible()
    assert page.get_by_label("Password").is_visible()


def test_a_person_signs_in(live_server, page, admin_user):
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Log out").wait_for()
